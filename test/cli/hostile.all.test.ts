// Ids that look like options, patterns, SQL or markup, given to the command line as a user would.
import { expect, test } from 'vitest'
import { hostileIds } from '../access/tenants.ts'
import { rehome } from '../helpers/command.ts'
import { writePlanFile } from '../helpers/plans/plan-file.ts'
import { createWorld } from '../helpers/world.ts'

const ids = [...hostileIds, '--wait', '-x', '--']
const tenants = ids.map((id) => `--tenant=${id}`)
const timeout = 120_000

/** A busy machine may make the command wonder whether there is a worker. */
const withoutHint = (error: string) => error.replace(/^waiting; is a worker running\?.*\n$/, '')

test('the command line takes every id as it is, and prints none that moves the cursor', {
  timeout,
}, async () => {
  await using file = await writePlanFile(`sql\`select id from tenants\``)
  await using world = await createWorld()
  for (const id of [...ids, 'bystander']) await world.addTenant(id, 1)
  await using _worker = await world.work([file.plan])
  const ask = (...args: string[]) => rehome(args, world.environment)

  const enqueued = await ask('enqueue', file.path, '--wait', ...tenants)
  expect([enqueued.code, withoutHint(enqueued.error)]).toEqual([0, ''])
  const [run] = await world.rehome.runs()
  const runId = run?.id ?? ''
  const { moves } = await world.rehome.status(runId)
  expect(moves.map((move) => move.tenant_id).sort()).toEqual([...ids].sort())
  expect(new Set(moves.map((move) => move.phase))).toEqual(new Set(['moved']))

  const shown = [enqueued, await ask('status', runId), await ask('show', runId, '--', '--wait')]
  for (const { code, out } of shown) {
    expect(code).toBe(0)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what is looked for.
    expect(out).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/)
  }
  const record = await ask('show', runId, '--json', '--', ids[0] ?? '')
  expect(JSON.parse(record.out).move.tenant_id).toBe(ids[0])

  const back = await ask('rollback', runId, ...tenants)
  expect([back.code, withoutHint(back.error)]).toEqual([0, ''])
  const after = (await world.rehome.status(runId)).moves
  expect(new Set(after.map((move) => move.phase))).toEqual(new Set(['rolled_back']))
  expect((await world.source.pool.query('select from tenants')).rowCount).toBe(ids.length + 1)
})

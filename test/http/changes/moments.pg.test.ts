// Rows that were read at different moments: values that only one row may have wander between them,
// parents come after their children, and a row is exchanged for another while pages are read. Each
// story with one mix of ends; the others are in mixes-online.all.test.ts.
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { expect, test } from 'vitest'
import type { RemoteCall } from '../../../src/calls.ts'
import { withOneMix } from '../../helpers/http/http-mixes.ts'
import { createHttpWorld } from '../../helpers/http-world.ts'
import { moveWhile } from '../../helpers/moments/kinds-of-changes.ts'
import { both, everything, seed, tables } from '../../helpers/moments/wandering.ts'
import { createWriter } from '../../helpers/moments/writes-between.ts'
import { ended } from '../../helpers/runs.ts'
import { onlinePlan } from '../../helpers/way-back.ts'
import { momentStories } from '../stories/moments.ts'

const timeout = 120_000

test.each(withOneMix(momentStories))(
  '%s (with %s over HTTP)',
  {
    timeout,
  },
  async (_title, _ends, run) => await run(),
)

test('values wander while pages of changes are read, page after page', { timeout }, async () => {
  const over = ['source', 'target'] as const
  const writes = [
    ['update lists set code = code', 'update items set text = text'],
    [
      'update lists set place = -place where id in (3, 20)',
      'update lists set place = case id when 3 then 20 else 3 end where id in (3, 20)',
    ],
    [
      'update lists set place = -place where id in (1, 29)',
      'update lists set place = case id when 1 then 29 else 1 end where id in (1, 29)',
    ],
    [
      `delete from marks where list_id = 5`,
      `delete from items where list_id = 5`,
      'delete from lists where id = 5',
      `insert into lists values (50, 'acme', 5, 'code 5')`,
      `insert into items values (50, 1, 'new')`,
      `insert into marks values (50, 1, 'new')`,
    ],
    [`insert into items values (29, 9, 'late')`, `insert into marks values (29, 9, 'late')`],
  ]
  await using world = await createHttpWorld({ over, both, plan: { ...onlinePlan, tables } })
  await world.source.pool.query(seed)
  const write = createWriter(world.source.url)
  await using _ = await world.work()
  const said: string[] = []
  // One after the other, as pages go.
  const hear = (message: unknown) => {
    const { moment, text } = message as RemoteCall
    const statements = writes[said.length]
    if (statements && moment === 'after' && /feed\/changes|rows\/write/.test(text)) {
      said.push(write(statements))
    }
  }
  subscribe('rehome:call', hear)
  const { runId } = await world.rehome.enqueue(world.plan(), { tenants: ['acme'] })
  const move = (await ended(world, runId)).get('acme')
  unsubscribe('rehome:call', hear)
  expect(said).toEqual(writes.map(() => 'accepted'))
  expect([move?.phase, move?.error_message]).toEqual(['moved', null])
  const rows = (await world.source.pool.query(everything)).rows
  expect((await world.target.pool.query(everything)).rows).toEqual(rows)
})

test('a target that has a value already says so, and the tenant stays', { timeout }, async () => {
  await using world = await createHttpWorld({
    ...{ over: ['target'], both, plan: { ...onlinePlan, tables, attempts: 1 } },
    target: 'alter table lists add constraint "one code" unique (code)',
  })
  await world.source.pool.query(seed)
  await world.target.pool.query(`insert into tenants (id, name) values ('other', 'Other');
    insert into lists values (1000, 'other', 1, 'code new')`)
  await using _ = await world.work()
  const copied = ({ phase, text }: RemoteCall) => phase === 'copy' && /rows\/write/.test(text)
  const claims = [`update lists set code = 'code new' where id = 3`]
  const { move } = await moveWhile(world, claims, copied)
  expect(move).toMatchObject({ phase: 'failed', error_code: 'ID_COLLISION' })
  expect(move?.error_message).toMatch(/"lists" at the target: 1 rows collide .* \(id\) = \(3\)/)
  const still = `update lists set code = 'free' where id = 3`
  await expect(world.source.pool.query(still)).resolves.toMatchObject({ rowCount: 1 })
})

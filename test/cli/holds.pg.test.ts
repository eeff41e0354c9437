// Options that hold moves before their cutover, and that let them go.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { rehome as command } from '../helpers/command.ts'
import { type PlanFile, writePlanFile } from '../helpers/plans/plan-file.ts'
import { createWorld, type World } from '../helpers/world.ts'

let world: World
let file: PlanFile
beforeAll(async () => {
  world = await createWorld()
  for (const tenant of ['a', 'b', 'c']) await world.addTenant(tenant, 1)
  file = await writePlanFile(`['a', 'b', 'c']`, `waves: [{ tenants: ['a'] }, { rest: true }]`)
})
afterAll(async () => {
  await file?.[Symbol.asyncDispose]()
  await world?.[Symbol.asyncDispose]()
})

const ask = async (...args: string[]) => await command(args, world.environment)
const enqueue = async (...args: string[]) => await ask('enqueue', file.path, ...args)

test('enqueue says until when moves are held, and refuses what is no moment and no place', async () => {
  const early =
    'the plan is offline: nothing is copied before they begin, and they are held before that'
  const held = await enqueue('--until', 'verify', '--dry-run')
  expect([held.code, held.out]).toEqual([0, 'a\nb\nc\n'])
  expect(held.error).toContain(`${early}, until \`rehome complete\`\n`)
  const moment = '2037-01-01T02:00:00+01:00'
  const dated = await enqueue('--complete-after', moment, '--dry-run')
  expect(dated.error).toContain(`${early}, until 2037-01-01T01:00:00.000Z\n`)
  expect(
    JSON.parse((await enqueue('--complete-after', moment, '--dry-run', '--json')).out),
  ).toMatchObject({
    hold: { before: 'start', untilCompleted: false, completeAfter: '2037-01-01T01:00:00.000Z' },
    schedule: [
      { tenants: ['a'], rows: 24 },
      { tenants: ['b', 'c'], rows: 48, gates: null },
    ],
  })
  for (const wrong of [
    ['--until', 'copy'],
    ['--complete-after', 'tonight'],
    ['--complete-after', '2037-01-01T02:00:00'],
    ['--until', 'verify', '--complete-after', moment],
  ]) {
    const { code, error } = await enqueue(...wrong)
    expect([code, error], wrong.join(' ')).toEqual([2, expect.stringMatching(/^rehome: USAGE: /)])
  }
})

test('complete ends the hold of named tenants, of a wave, or of all that are left', async () => {
  const { runId } = JSON.parse((await enqueue('--until', 'verify', '--json')).out)
  const complete = async (...args: string[]) => await ask('complete', runId, ...args)
  const held = async () => /(\d+) tenant\(s\) are held/.exec((await ask('status', runId)).out)?.[1]
  expect(await held()).toBe('3')
  const dry = await complete('--dry-run', '--json')
  expect(JSON.parse(dry.out)).toMatchObject({ tenants: ['a', 'b', 'c'] })
  expect(await held()).toBe('3')
  expect((await complete('-t', 'c', '--reason', 'first')).out).toBe(
    '1 tenant(s) are no longer held\n',
  )
  const again = await complete('-t', 'c')
  expect([again.code, again.error]).toEqual([
    3,
    expect.stringContaining('only a move that is held'),
  ])
  expect((await complete('--wave', '2', '--json')).out).toContain('"tenants":["b"]')
  expect(await held()).toBe('1')
  expect((await complete('--all', '--anytime')).out).toBe('1 tenant(s) are no longer held\n')
  expect(await held()).toBeUndefined()
  const told = (await ask('show', runId)).out.split('\n').filter((line) => /completed/.test(line))
  expect(told).toEqual([
    expect.stringMatching(/completed by \S+: first {2}\{"tenants":1\}$/),
    expect.stringMatching(/completed by \S+ {2}\{"tenants":1\}$/),
    expect.stringMatching(/completed by \S+ {2}\{"anytime":true,"tenants":1\}$/),
  ])
})

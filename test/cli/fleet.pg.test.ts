// Commands that steer a run: their output, and that `status` and `show` tell of them.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { rehome as command } from '../helpers/command.ts'
import { writePlanFile } from '../helpers/plans/plan-file.ts'
import { createWorld, type World } from '../helpers/world.ts'

let world: World
let run = ''
beforeAll(async () => {
  world = await createWorld()
  for (const tenant of ['a', 'b', 'c']) await world.addTenant(tenant, 1)
  run = (await world.rehome.enqueue(world.plan())).runId ?? ''
})
afterAll(() => world[Symbol.asyncDispose]())

const ask = async (...args: string[]) => await command(args, world.environment)
const json = async (...args: string[]) => JSON.parse((await ask(...args, '--json')).out)

test('pause, resume and their like do nothing in a dry run', async () => {
  const all = { tenants: ['a', 'b', 'c'] }
  expect(await json('pause', run, '--dry-run')).toEqual({
    ...{ ...all, count: 3, nextSteps: [`rehome resume ${run}`] },
  })
  expect(await json('resume', run, '--dry-run')).toMatchObject({ tenants: [] })
  const none = { count: 0, tenants: [] }
  const every = { count: 3, tenants: ['a', 'b', 'c'] }
  const off = { calledOff: every, takenBack: none, forward: none }
  expect(await json('cancel', run, '--all', '--dry-run')).toMatchObject(off)
  expect(await json('skip', run, '-t', 'a', '--dry-run')).toMatchObject({ tenants: ['a'] })
  expect(await json('concurrency', '3', '--dry-run')).toMatchObject({ movesAtOnce: 3 })
  expect(await json('status', run)).toMatchObject({
    ...{ run: { paused: null }, notices: [expect.stringMatching(/^no worker has plan "small"/)] },
  })
  expect((await json('show', run)).events).toEqual([])
})

test('status says who holds a run back and why, and that the board has paused its queue', async () => {
  expect((await ask('pause', run, '--reason', 'slow')).out).toMatch(/^3 tenant\(s\) wait/)
  expect((await ask('concurrency', '3')).out).toBe('3 move(s) at once\n')
  expect((await ask('priority', run, 'last')).code).toBe(0)
  await world.rehome.queues.byErrand.move.pause()
  const lines = (await ask('status', run)).out.split('\n').slice(-6)
  expect(lines).toEqual([
    expect.stringMatching(/^paused by \S+ since \S+ \(slow\): no move begins until/),
    'priority: last',
    'at most 3 moves at once, over all workers and runs',
    'queue "rehome-moves" is paused: resume it on the board',
    expect.stringMatching(/^no worker has plan "small" as this run was enqueued with it: start/),
    '',
  ])
  await world.rehome.queues.byErrand.move.resume()
  expect((await ask('concurrency', 'none')).out).toMatch(/^no limit/)
  const at = ['--server', 'db:5432']
  expect(await json('concurrency', '2', ...at, '--dry-run')).toMatchObject({ servers: {} })
  expect((await ask('concurrency', '2', ...at)).out).toMatch(
    /^no limit.*\n2 move\(s\) at once at server db:5432\n$/,
  )
  expect(await json('concurrency', 'none', ...at)).toMatchObject({ movesAtOnce: null, servers: {} })
  expect((await ask('resume', run)).out).toBe('3 tenant(s) go on\n')
})

test('a tenant that is paused by itself is marked in status', async () => {
  await ask('pause', run, '-t', 'b')
  const { out } = await ask('status', run)
  expect(out).toMatch(/^b +queued \(paused\)/m)
  expect(out).toContain('paused by themselves: "b"')
})

test('cancel says how many tenants are where, and show who has done it', async () => {
  expect((await ask('skip', run, '-t', 'a')).out).toBe('a\n')
  expect((await ask('cancel', run)).code).toBe(2)
  const { out } = await ask('cancel', run, '--all', '--reason', 'no more')
  expect(out).toMatch(
    /^2 tenant\(s\) had not begun .*\n0 tenant\(s\) stay .*\n0 tenant\(s\) are past/,
  )
  const told = (await ask('show', run)).out.split('\n')
  expect(told.map((line) => line.split('  ')[1]?.split(' ')[0])).toEqual(
    expect.arrayContaining(['paused', 'priority', 'resumed', 'skipped', 'cancelled']),
  )
  expect(told.at(-2)).toMatch(/cancelled by \S+: no more {2}\{"calledOff":2,"takenBack":0\}$/)
})

test('check --all prints sizes, findings about tenants, and what the target has no room for', async () => {
  await using file = await writePlanFile(`['a', 'b', 'c']`)
  const { code, out } = await ask('check', file.path, '--all')
  expect(code).toBe(0)
  expect(out).toMatch(/^3 tenant\(s\) are to move\n72 rows; half of the tenants have 24 or fewer/)
  expect(out).toMatch(/^a +24 +\? +\?$/m)
  expect(out).toMatch(
    /^disk: the target needs about [\d.]+ kB more; its database has [\d.]+ MB now/m,
  )
  expect(out).toMatch(/^time: unknown, as no move of this plan has ended: `rehome rehearse`/m)
  const full = await ask('check', file.path, '--all', '--target-free', '1kB', '--json')
  expect([full.code, JSON.parse(full.out)]).toMatchObject([
    3,
    {
      tenants: { rows: 72, samples: 0, space: { freeBytes: 1000 } },
      findings: [{ where: 'target' }],
    },
  ])
  expect(full.error).toContain('1 finding(s); the other tenants can move')
  expect((await ask('check', file.path, '--target-free', '1kB')).code).toBe(2)
  expect((await ask('check', file.path, '--all', '--target-free', '1 acre')).code).toBe(2)
})

test('approve is refused where no wave waits, and enqueue prints the schedule', async () => {
  const { code, error } = await ask('approve', run)
  expect([code, error]).toEqual([3, expect.stringContaining('no wave that waits')])
  await using file = await writePlanFile(
    `['a', 'b', 'c']`,
    `waves: [{ tenants: ['a'], soak: '1h', approve: true, gates: { failed: 2 } }, { rest: true }]`,
  )
  const dry = await ask('enqueue', file.path, '--dry-run')
  expect([dry.code, dry.out]).toEqual([0, 'a\nb\nc\n'])
  const needs = 'at most 2 failed, a soak of 3600 s, a person who approves'
  expect(dry.error).toBe(
    `wave 1: 1 tenant(s), named, 24 rows; the next wave needs ${needs}\n` +
      'wave 2: 2 tenant(s), rest, 48 rows\n',
  )
  const enqueued = await json('enqueue', file.path)
  const early = await ask('approve', enqueued.runId)
  expect([early.code, early.error]).toEqual([3, expect.stringContaining('has 1 open tenant(s)')])
  await ask('skip', enqueued.runId, '--tenant', 'a')
  const seen = ['approve', enqueued.runId, '--wave', '1', '--reason', 'seen'] as const
  expect(await json(...seen)).toMatchObject({ wave: 1 })
  expect((await ask('show', enqueued.runId)).out).toMatch(/approved by \S+: seen {2}\{"wave":1/)
})

test.each([
  ['skip without tenants', ['skip', 'RUN']],
  ['a priority that is none', ['priority', 'RUN', 'soon']],
  ['no moves at once', ['concurrency', '0']],
  ['a run that does not exist', ['pause', 'nowhere']],
  ['a tenant of another run', ['pause', 'RUN', '-t', 'zed']],
  ['a wave that the run lacks', ['complete', 'RUN', '--wave', '2']],
  ['a hold of a tenant of another run', ['complete', 'RUN', '-t', 'zed']],
])('%s ends with exit code 2', async (_, args) => {
  expect((await ask(...args.map((arg) => (arg === 'RUN' ? run : arg)))).code).toBe(2)
})

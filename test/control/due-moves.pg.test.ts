// What workers look for among all moves: the open ones, wherever they stand among those that ended.
import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Control } from '../../src/control/database.ts'
import {
  anyPlace,
  auditsText,
  firstOfGroup,
  lookText,
  movesToAudit,
  openMoves,
  openMovesMax,
  type Place,
} from '../../src/control/due-moves.ts'
import { insertRun } from '../../src/control/runs/runs.ts'
import { gateText, isHeld } from '../../src/control/steer.ts'
import { announceWorker, dismissWorker, hasWorker } from '../../src/control/workers.ts'
import {
  allStates,
  type ControlOnly,
  createControl,
  nameOf,
  storeMoves,
} from '../helpers/errands/states.ts'
import { controlWith, run } from '../helpers/moves/control-with.ts'

async function look({ control }: { control: Control }, after?: Place) {
  const place = after ?? (await anyPlace(control))
  const { moves, next } = await openMoves(control, { untouchedMs: 1_000, after: place })
  return { tenants: moves.map((move) => move.tenant_id), next }
}

let states: ControlOnly
beforeAll(async () => {
  states = await createControl()
})
afterAll(() => states[Symbol.asyncDispose]())

test('a look at open moves finds no move that has ended, and none that is not due', async () => {
  await using world = await controlWith(8)
  await world.set(`open = false, phase = 'moved' where tenant_id in ('t0', 't1')`)
  await world.set(`not_before = now() + interval '1 h' where tenant_id = 't2'`)
  await world.set(`updated_at = now() where tenant_id = 't3'`)
  await world.set(`errand = 'rehearse' where tenant_id in ('t4', 't5')`)
  await world.set(`updated_at = now() - interval '1 min' where tenant_id in ('t5', 't6')`)
  expect((await look(world)).tenants.sort()).toEqual(['t4', 't6', 't7'])
})

test.each([
  ['nothing', ''],
  ['a pause of the run', `update rehome_control.runs set paused = 'finish' where id = $1`],
  ['pauses of tenants', `update rehome_control.moves set paused = 'now' where run_id = $1`],
  ['a wave to come', 'update rehome_control.moves set wave = 2 where run_id = $1'],
  ['a hold before the start', 'update rehome_control.moves set held = true where run_id = $1'],
])('a look finds what no claim is refused for, of every state, under %s', async (_, hold) => {
  const { control } = states
  const all = allStates.filter(({ variant }) => variant === 'no window')
  const { runId, moves } = await storeMoves(control, all)
  await control.pool.query(`update rehome_control.moves set updated_at = now() - interval '1 h'`)
  if (hold !== '') await control.pool.query(hold, [runId])
  const found = new Set<string>()
  let after: Place = { runId, gate: 0, ...firstOfGroup }
  for (let looks = 0; looks < 5; looks += 1) {
    const { moves: some, next } = await openMoves(control, { untouchedMs: 0, after })
    for (const { id } of some) found.add(id)
    after = next
  }
  for (const { id, state } of moves) {
    const isDue = state.open !== 'nothing' && !(await isHeld(control, id))
    expect([nameOf(state), found.has(id)]).toEqual([nameOf(state), isDue])
  }
  await control.pool.query('update rehome_control.moves set open = false where run_id = $1', [
    runId,
  ])
})

test('a worker looks for moves of its own plans only', async () => {
  await using world = await controlWith(2)
  const look = async (fingerprints: readonly string[]) => {
    const after = await anyPlace(world.control)
    return (await openMoves(world.control, { untouchedMs: 0, after, fingerprints })).moves
  }
  expect(await look(['another', 'text'])).toHaveLength(2)
  expect(await look(['another'])).toEqual([])
})

test('a worker counts as alive for a while after its last word', async () => {
  await using world = await controlWith(0)
  const { control } = world
  const worker = { id: randomUUID(), fingerprints: ['a', 'b'], aliveMs: 60_000 }
  await announceWorker(control, worker)
  expect([await hasWorker(control, 'b'), await hasWorker(control, 'c')]).toEqual([true, false])
  await announceWorker(control, { ...worker, aliveMs: -1 })
  expect(await hasWorker(control, 'b')).toBe(false)
  await announceWorker(control, worker)
  await dismissWorker(control, worker.id)
  expect(await hasWorker(control, 'b')).toBe(false)
})

test('looks go round, so that each of many open moves is looked at', async () => {
  await using world = await controlWith(2 * openMovesMax + 50)
  await world.set(`errand = 'cleanup' where id in (select id from rehome_control.moves limit 120)`)
  const seen = new Set<string>()
  let after = await anyPlace(world.control)
  for (let looks = 0; looks < 3; looks += 1) {
    const { tenants, next } = await look(world, after)
    expect(tenants).toHaveLength(openMovesMax)
    for (const tenant of tenants) seen.add(tenant)
    after = next
  }
  expect(seen.size).toBe(2 * openMovesMax + 50)
  const elsewhere = await look(world)
  expect(elsewhere.tenants).not.toEqual((await look(world)).tenants)
})

/** A run with so many moves, untouched for an hour. */
async function plant({ pool }: Control, id: string, moves: number, changes = ''): Promise<void> {
  await pool.query(
    `insert into rehome_control.runs (id, plan_name, plan_fingerprint, scope, source, target,
      attempts, backoff_ms, created_by, rehome_version, wave_count)
      values ($1, 'plan', 'text', $1, 'a', 'b', 1, 1, 'tester', '0', 2)`,
    [id],
  )
  await pool.query(
    `insert into rehome_control.moves (id, run_id, scope, target_scope, tenant_id, updated_at)
      select gen_random_uuid(), $1, $1, $1, 't' || g, now() - interval '1 h'
      from generate_series(1, $2::int) g`,
    [id, moves],
  )
  if (changes !== '') await pool.query(changes, [id])
}

/** Pages that one look reads, by default that at open moves, from the first place on. */
async function pagesRead({ pool }: Control, audits?: unknown[]): Promise<number> {
  const explain = `explain (analyze, buffers, format json) ${audits ? auditsText : lookText}`
  const values = audits ?? ['', 0, firstOfGroup.dueAt, firstOfGroup.id, 1_000, 200, null]
  const { rows } = await pool.query(explain, values)
  const plan = rows[0]['QUERY PLAN'][0].Plan
  return plan['Shared Hit Blocks'] + plan['Shared Read Blocks']
}

test.each([
  ['ended', `update rehome_control.moves set open = false, phase = 'moved' where run_id = $1`],
  ['of a paused run', `update rehome_control.runs set paused = 'finish' where id = $1`],
  ['of a wave to come', 'update rehome_control.moves set wave = 2 where run_id = $1'],
  ['paused one by one', `update rehome_control.moves set paused = 'now' where run_id = $1`],
  ['held before their start', 'update rehome_control.moves set held = true where run_id = $1'],
  [
    'held before their cutover, and looked at lately',
    `with online as (update rehome_control.runs set strategy = 'online' where id = $1)
      update rehome_control.moves set held = true, phase = 'hold',
        not_before = now() + (1 + random()) * interval '30 s' where run_id = $1`,
  ],
  [
    'held until a moment',
    `update rehome_control.moves set complete_after = '2037-01-01Z', not_before = '2037-01-01Z'
      where run_id = $1`,
  ],
])('a look reads no more where there are 5,000 moves more that are %s', async (_, hold) => {
  await using world = await controlWith(3)
  await plant(world.control, 'held', 5_000, hold)
  await world.control.pool.query('vacuum analyze rehome_control.moves')
  expect((await look(world)).tenants.sort()).toEqual(['t0', 't1', 't2'])
  expect(await pagesRead(world.control)).toBeLessThan(100)
})

test.each(['offline', 'online'] as const)(
  '%s moves with a date: when they are due',
  async (strategy) => {
    await using world = await controlWith(0)
    const completeAfter = new Date('2037-01-01Z')
    const moves = [
      { id: randomUUID(), tenant: 'dated', hold: { held: false, completeAfter, windows: null } },
      { id: randomUUID(), tenant: 'free' },
    ]
    await insertRun(
      world.control,
      { ...run, id: 'dates', strategy },
      { moves, errand: 'move', targetScope: 'default' },
    )
    await world.set(`updated_at = now() - interval '1 h'`)
    // Online it is copied early.
    const due = strategy === 'online' ? ['dated', 'free'] : ['free']
    expect((await look(world)).tenants.sort()).toEqual(due)
    const query = 'select from rehome_control.moves where not_before = complete_after'
    const { rowCount } = await world.control.pool.query(query)
    expect(rowCount).toBe(strategy === 'online' ? 0 : 1)
  },
)

test('the index of open moves has the words of the look', async () => {
  const migration = new URL('../../migrations/control/001_runs_and_moves.sql', import.meta.url)
  const words = (text: string) => text.replaceAll(/\s+/g, ' ')
  const text = words(await readFile(migration, 'utf8'))
  const index = text.slice(text.indexOf('create index open_moves_by_gate')).split(';')[0]
  const gate = words(gateText).replaceAll('m.', '')
  expect(index).toBe(
    `create index open_moves_by_gate on rehome_control.moves (run_id, ${gate}, not_before, id) where open and has_job and ${gate} is not null`,
  )
})

test('a look among many runs ends once it has enough', async () => {
  await using world = await controlWith(0)
  for (let i = 0; i < 100; i += 1) await plant(world.control, `run ${i}`, 4)
  await world.control.pool.query('vacuum analyze rehome_control.moves')
  expect((await look(world)).tenants).toHaveLength(openMovesMax)
  // Each of the fifty runs that it takes costs a descent of two indexes, and its moves.
  expect(await pagesRead(world.control)).toBeLessThan(1_500)
})

/** Moves of the run have moved an hour ago, and their windows end like this. */
const inWindow = (until: string) =>
  `update rehome_control.moves set open = false, phase = 'moved', window_until = ${until},
    updated_at = now() - interval '1 h' where run_id = $1`

test('a look at due audits passes over busy tenants and windows that have ended', async () => {
  await using world = await controlWith(3)
  const { control } = world
  await plant(control, 'ended', 5_000, inWindow(`now() - random() * interval '3 d'`))
  await plant(control, 'busy', 30, inWindow(`now() + interval '10 s'`))
  await plant(
    control,
    'other',
    30,
    `update rehome_control.moves set scope = 'busy' where run_id = $1`,
  )
  await control.pool.query(inWindow(`now() + interval '1 d'`), ['run'])
  await world.set(`audited_at = now() where tenant_id = 't2' and run_id = 'run'`)
  await control.pool.query('vacuum analyze rehome_control.moves')
  const own = { name: 'plan', fingerprint: 'text' }
  const audits = async (everyMs: number) =>
    (await movesToAudit(control, own, everyMs)).map((move) => move.tenant_id)
  expect(await audits(60_000)).toEqual(['t0', 't1'])
  expect(await audits(0)).toEqual(['t0', 't1', 't2'])
  expect(await audits(7_200_000)).toEqual([])
  expect(await movesToAudit(control, { ...own, fingerprint: 'older' }, 0)).toEqual([])
  expect(await pagesRead(control, [own.name, own.fingerprint, 60_000])).toBeLessThan(300)
})

test('audits that are due are asked for in turn', async () => {
  await using world = await controlWith(45)
  await world.control.pool.query(inWindow(`now() + interval '1 d'`), ['run'])
  const sizes: number[] = []
  for (let looks = 0; looks < 4; looks += 1) {
    const due = await movesToAudit(world.control, { name: 'plan', fingerprint: 'text' }, 60_000)
    const ids = due.map(({ id }) => `'${id}'`).join()
    if (ids) await world.set(`audited_at = now() where id in (${ids})`)
    sizes.push(due.length)
  }
  expect(sizes).toEqual([20, 20, 5, 0])
})

test('a tenant is audited in its turn, although windows of many others end before', async () => {
  await using world = await controlWith(45)
  await world.control.pool.query(inWindow(`now() + interval '1 d'`), ['run'])
  await world.set(`audited_at = now() - interval '10 min'`)
  await world.set(`audited_at = null, window_until = now() + interval '9 d' where tenant_id = 't7'`)
  const due = await movesToAudit(world.control, { name: 'plan', fingerprint: 'text' }, 60_000)
  expect([due.length, due[0]?.tenant_id]).toEqual([20, 't7'])
})

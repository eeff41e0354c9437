// Which moves a person's decisions reach, over every state that a move can be in; asked of the
// control database alone.

import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { askRollback, askWithdrawal } from '../../src/control/ask.ts'
import type { Move } from '../../src/control/database.ts'
import { firstOfGroup, openMoves } from '../../src/control/due-moves.ts'
import { claimMove, settleMove } from '../../src/control/moves.ts'
import { stoppableTenants, stoppableWithJob, waitsOf } from '../../src/control/run-moves.ts'
import { steerRun, steersOf } from '../../src/control/steer.ts'
import { callOff, pauseMoves, skipFailed } from '../../src/control/steer-moves.ts'
import {
  allStates,
  type ControlOnly,
  createControl,
  nameOf,
  type State,
  storeMoves,
} from '../helpers/errands/states.ts'
import { controlWith } from '../helpers/moves/control-with.ts'
import { allIn, tenantsIn } from '../helpers/pages.ts'

let db: ControlOnly
beforeAll(async () => {
  db = await createControl()
})
afterAll(() => db[Symbol.asyncDispose]())

const phases =
  'queued preflight capture fence drain copy catch_up verify hold final_catch_up'.split(' ')
const isStoppable = ({ phase, open }: State) => open === 'move' && phases.includes(phase)
const who = { by: 'ada', reason: 'why' }

async function reached(
  change: (runId: string) => Promise<readonly string[]>,
  how: { isUntouched?: boolean } = {},
): Promise<State[]> {
  const { runId, moves } = await storeMoves(db.control, allStates, how)
  const tenants = new Set(await change(runId))
  return moves.filter(({ tenant }) => tenants.has(tenant)).map(({ state }) => state)
}

const names = (states: readonly State[]) => states.map(nameOf)

test('a pause reaches open moves before their cutover, and no other errand', async () => {
  const paused = { ...who, paused: 'now' } as const
  const states = await reached(async (runId) => {
    const tenants = await tenantsIn(pauseMoves(db.control, { runId }, paused))
    expect(await allIn(pauseMoves(db.control, { runId }, paused))).toEqual([])
    return tenants
  })
  expect(names(states)).toEqual(names(allStates.filter(isStoppable)))
})

test('only moves that have changed nothing yet are called off at once', async () => {
  const off = (runId: string) =>
    tenantsIn(callOff(db.control, { runId }, { ...who, code: 'CANCELLED' }))
  expect(await reached(off)).toEqual([])
  const untouched = await reached(off, { isUntouched: true })
  expect(names(untouched)).toEqual(names(allStates.filter(isStoppable)))
})

test('a cancel takes moves back before their cutover, and never one that has ended since', async () => {
  const states = await reached(async (runId) => {
    const { rows } = await db.control.pool.query<Move>(
      'select * from rehome_control.moves where run_id = $1',
      [runId],
    )
    const asked = await Promise.all(rows.map(({ id }) => askWithdrawal(db.control, id, who)))
    return asked.flatMap((move) => (move ? [move.tenant_id] : []))
  })
  expect(names(states)).toEqual(names(allStates.filter(isStoppable)))
})

test('a run whose plan no worker has is called off, but for what is past its cutover', async () => {
  const orphans = { ...who, code: 'CANCELLED', isOrphaned: true } as const
  const { runId, moves } = await storeMoves(db.control, allStates)
  const tenants = new Set(await tenantsIn(callOff(db.control, { runId }, orphans)))
  const off = moves.filter(({ tenant }) => tenants.has(tenant)).map(({ state }) => state)
  const isOff = (state: State) => isStoppable(state) || state.open === 'rollback'
  expect(names(off)).toEqual(names(allStates.filter(isOff)))
  const { id } = await storeOne({ phase: 'moved', open: 'rollback' })
  await db.control.pool.query(
    `update rehome_control.moves set fallback_phase = 'moved' where id = $1`,
    [id],
  )
  const { run_id: run } = await moveOf(id)
  await allIn(callOff(db.control, { runId: run }, orphans))
  expect(await moveOf(id)).toMatchObject({ open: false, phase: 'moved' })
})

test('a run of more moves than a page has is steered as a whole', async () => {
  const one = { phase: 'queued', open: 'move', variant: 'no window' } as const
  const many = Array.from({ length: 2_300 }, () => one)
  const { runId, moves } = await storeMoves(db.control, many, { isUntouched: true })
  const tenants = new Set(moves.map(({ tenant }) => tenant))
  const pause = { ...who, paused: 'now' } as const
  const paused = await allIn(pauseMoves(db.control, { runId }, pause))
  expect(new Set(paused.map((move) => move.tenant_id))).toEqual(tenants)
  expect(paused[0]).toMatchObject({ paused: 'now' })
  expect(paused[0]).not.toHaveProperty('evidence')
  expect(await waitsOf(db.control, runId)).toMatchObject({ open: true, stoppable: true })
  expect((await waitsOf(db.control, runId)).pausedAlone).toHaveLength(6)
  const off = await tenantsIn(callOff(db.control, { runId }, { ...who, code: 'CANCELLED' }))
  expect(off).toEqual(paused.map((move) => move.tenant_id))
  expect(await waitsOf(db.control, runId)).toEqual({
    ...{ open: false, stoppable: false, pausedAlone: [] },
  })
})

test('of moves that are over, only failed and rolled back ones are skipped', async () => {
  const states = await reached((runId) => tenantsIn(skipFailed(db.control, { runId }, who)))
  const isOver = ({ phase }: State) => phase === 'failed' || phase === 'rolled_back'
  const failed = allStates.filter((state) => isOver(state) && state.open === 'nothing')
  expect(names(states)).toEqual(names(failed))
})

async function storeOne(state: Partial<State> = {}, how: { isUntouched?: boolean } = {}) {
  const one = { phase: 'copy', open: 'move', variant: 'no window', ...state } as const
  const { runId, moves } = await storeMoves(db.control, [one], how)
  const [move] = moves
  return { runId, id: move?.id ?? '', tenant: move?.tenant ?? '' }
}

const moveOf = async (id: string): Promise<Move> =>
  (await db.control.pool.query('select * from rehome_control.moves where id = $1', [id])).rows[0]

test('an attempt that is under way when its move is called off changes nothing more', async () => {
  const { runId, id } = await storeOne({ phase: 'preflight' }, { isUntouched: true })
  const token = randomUUID()
  await claimMove(db.control, { id, errand: 'move', token })
  await allIn(callOff(db.control, { runId }, { ...who, code: 'CANCELLED' }))
  expect(await moveOf(id)).toMatchObject({
    ...{ phase: 'failed', open: false, token: null, failed_phase: 'preflight' },
    ...{ error_code: 'CANCELLED', error_message: 'called off by ada: why' },
  })
  expect(await steersOf(db.control, [id])).toEqual([{ id, token: null, pausedNow: false }])
})

test('a skipped move keeps the reason for which it failed', async () => {
  const { runId, id } = await storeOne({ phase: 'failed', open: 'nothing' })
  const before = await moveOf(id)
  await allIn(skipFailed(db.control, { runId }, who))
  expect((await moveOf(id)).error_message).toBe(`skipped by ada: why (was ${before.error_code})`)
})

test.each<[what: 'run' | 'move', state: Partial<State>, begins: boolean]>([
  ['run', {}, false],
  ['move', {}, false],
  ['run', { phase: 'cutover' }, true],
  ['run', { phase: 'release' }, true],
  ['run', { phase: 'moved', open: 'rollback' }, true],
  ['run', { phase: 'moved', open: 'audit' }, true],
])('while its %s is paused, an attempt at %j begins: %s', async (what, state, begins) => {
  const { runId, id } = await storeOne(state)
  const look = async () => {
    const after = { runId, gate: 0, ...firstOfGroup }
    const { moves } = await openMoves(db.control, { untouchedMs: 0, after })
    return moves.some((move) => move.id === id)
  }
  const paused = 'finish' as const
  if (what === 'run') {
    await steerRun(db.control, runId, { ...who, kind: 'paused', change: { paused } })
  } else await allIn(pauseMoves(db.control, { runId }, { ...who, paused }))
  const errand = state.open === undefined ? 'move' : (state.open as Move['errand'])
  expect(await look()).toBe(begins)
  const token = randomUUID()
  const claimed = await claimMove(db.control, { id, errand, token })
  expect(claimed !== undefined).toBe(begins)
})

test('a pause for now ends attempts at moves before their cutover, and at no other errand', async () => {
  const { runId, moves } = await storeMoves(db.control, allStates)
  const ids = moves.map(({ id }) => id)
  await steerRun(db.control, runId, { ...who, kind: 'paused', change: { paused: 'now' } })
  await db.control.pool.query(`update rehome_control.moves set paused = 'now' where run_id = $1`, [
    runId,
  ])
  const ending = (await steersOf(db.control, ids)).filter(({ pausedNow }) => pausedNow)
  const ended = new Set(ending.map(({ id }) => id))
  const states = moves.filter(({ id }) => ended.has(id)).map(({ state }) => state)
  expect(names(states)).toEqual(names(allStates.filter(isStoppable)))
})

test.each([
  ['an errand that is asked for', { phase: 'copy' }, (id: string) => taken(id)],
  ['its end', { phase: 'release' }, (id: string) => settled(id)],
] as const)('the pause of a tenant ends with %s', async (_, state, end) => {
  const { runId, id, tenant } = await storeOne()
  await allIn(pauseMoves(db.control, { runId, tenants: [tenant] }, { ...who, paused: 'now' }))
  await db.control.pool.query('update rehome_control.moves set phase = $2 where id = $1', [
    id,
    state.phase,
  ])
  await end(id)
  expect(await moveOf(id)).toMatchObject({ paused: null })
})

async function taken(id: string): Promise<void> {
  const asked = await askRollback(db.control, id, { by: 'ada', discardWrites: false })
  expect(asked).toMatchObject({ errand: 'rollback', open: true })
}

async function settled(id: string): Promise<void> {
  const token = randomUUID()
  const move = await claimMove(db.control, { id, errand: 'move', token })
  const held = { id, token, attempt: move?.attempt ?? 0 }
  expect(await settleMove(db.control, held, { phase: 'moved' })).toBe(true)
}

test('only a pause that is for now ends attempts that are under way', async () => {
  const { runId, id } = await storeOne()
  const steer = async () => (await steersOf(db.control, [id]))[0]?.pausedNow
  for (const [paused, ends] of [
    ['finish', false],
    ['now', true],
    [null, false],
  ] as const) {
    await steerRun(db.control, runId, { ...who, kind: 'paused', change: { paused } })
    expect(await steer()).toBe(ends)
    await steerRun(db.control, runId, { ...who, kind: 'resumed', change: { paused: null } })
    await allIn(pauseMoves(db.control, { runId }, { ...who, paused }))
    expect(await steer()).toBe(ends)
    await allIn(pauseMoves(db.control, { runId }, { ...who, paused: null }))
  }
})

test('of many tenants that a decision reaches, the first 1,000 are named and all are counted', async () => {
  await using world = await controlWith(1_003)
  await world.set(`has_job = tenant_id < 't2', wave = 1`)
  await world.set(`wave = 2 where tenant_id = 't3'`)
  await world.set(`paused = 'now' where tenant_id = 't4'`)
  const some = { runId: 'run' }
  const all = await stoppableTenants(world.control, some)
  expect([all.count, all.tenants.length, all.tenants[0]]).toEqual([1_003, 1_000, 't0'])
  const resumable = { resumedUpTo: 1 }
  expect(await stoppableTenants(world.control, some, resumable)).toMatchObject({ count: 1_001 })
  const own = await allIn(stoppableWithJob(world.control, some, resumable))
  expect(own.every((move) => move.tenant_id < 't2')).toBe(true)
  expect(own.length).toBe(115)
})

// How a wave stands, by the states of its moves; asked of the control database alone.

import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { askCleanup, askRollback } from '../../src/control/ask.ts'
import { claimMove, findMove, settleMove } from '../../src/control/moves.ts'
import { skipFailed } from '../../src/control/steer-moves.ts'
import { stopCounts, waveCounts } from '../../src/control/waves.ts'
import type { Errand } from '../../src/errands.ts'
import type { SettledPhase } from '../../src/phases.ts'
import {
  type ControlOnly,
  createControl,
  type State,
  storeMoves,
} from '../helpers/errands/states.ts'
import { allIn } from '../helpers/pages.ts'

let db: ControlOnly
beforeAll(async () => {
  db = await createControl()
})
afterAll(() => db[Symbol.asyncDispose]())

const countsOf = async (runId: string) => {
  const { open, failed } = await waveCounts(db.control, { id: runId, wave: 1 })
  const stopping = await stopCounts(db.control, runId)
  expect(stopping).toMatchObject({ open, failed })
  return { open, failed }
}

async function storeOne(state: Partial<State>) {
  const one = { phase: 'copy', open: 'move', variant: 'no window', ...state } as const
  const { runId, moves } = await storeMoves(db.control, [one])
  return { runId, id: moves[0]?.id ?? '' }
}

async function end(id: string, errand: Errand, phase: SettledPhase): Promise<void> {
  const token = randomUUID()
  const move = await claimMove(db.control, { id, errand, token })
  const held = { id, token, attempt: move?.attempt ?? 0 }
  expect(await settleMove(db.control, held, { phase })).toBe(true)
}

test.each([
  ['a move under way', { phase: 'copy' }],
  ['a moved tenant', { phase: 'moved', open: 'nothing' }],
] as const)(
  '%s that is rolled back keeps its wave open, and then counts as failed',
  async (_, state) => {
    const { runId, id } = await storeOne(state)
    expect(await askRollback(db.control, id, { by: 'ada', discardWrites: false })).not.toBeNull()
    expect(await countsOf(runId)).toEqual({ open: 1, failed: 0 })
    await end(id, 'rollback', 'rolled_back')
    expect(await countsOf(runId)).toEqual({ open: 0, failed: 1 })
    await askCleanup(db.control, id, { by: 'ada' })
    await end(id, 'cleanup', 'cleaned')
    expect(await countsOf(runId)).toEqual({ open: 0, failed: 1 })
  },
)

test('the pause of a moved tenant counts, whatever is asked for it later, until it comes back', async () => {
  const { runId, id } = await storeOne({ phase: 'moved', open: 'nothing' })
  const pause = async (change: string) => {
    const query = `update rehome_control.moves set pause_ms = 700, ${change} where id = $1`
    await db.control.pool.query(query, [id])
    return (await waveCounts(db.control, { id: runId, wave: 1 })).pauseMsP99
  }
  const back = `fallback_phase = 'moved'`
  expect(await pause(`phase = 'moved'`)).toBe(700)
  expect(await pause(`open = true, errand = 'audit', phase = 'audit', ${back}`)).toBe(700)
  expect(await pause(`errand = 'finalize', phase = 'finalize'`)).toBe(700)
  expect(await pause(`open = false, errand = 'cleanup', phase = 'cleaned'`)).toBe(700)
  expect(await pause(`fallback_phase = 'rolled_back'`)).toBeNull()
  expect(await pause(`phase = 'rolled_back'`)).toBeNull()
})

test('a tenant that came back can be left out, and stays where it is', async () => {
  const { runId, id } = await storeOne({ phase: 'rolled_back', open: 'nothing' })
  expect(await countsOf(runId)).toEqual({ open: 0, failed: 1 })
  expect(await allIn(skipFailed(db.control, { runId }, { by: 'ada' }))).toHaveLength(1)
  expect(await countsOf(runId)).toEqual({ open: 0, failed: 0 })
  await askCleanup(db.control, id, { by: 'ada' })
  expect(await findMove(db.control, id)).toMatchObject({
    ...{ fallback_phase: 'rolled_back', error_code: 'SKIPPED' },
  })
})

test.each([
  ['an audit', { phase: 'moved', open: 'audit' }],
  ['the end of a window', { phase: 'moved', open: 'finalize' }],
  ['a clean-up', { phase: 'cleanup', open: 'cleanup' }],
] as const)('%s keeps no wave open', async (_, state) => {
  const { runId } = await storeOne(state)
  expect(await countsOf(runId)).toEqual({ open: 0, failed: 0 })
})

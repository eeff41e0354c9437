// Who looks after the waves of runs, and what is counted; asked of the control database alone.
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { claimMove, settleMove } from '../../src/control/moves.ts'
import { steerRun } from '../../src/control/steer.ts'
import { claimWaves, leaveWaves, stopCounts } from '../../src/control/waves.ts'
import { advanceRuns } from '../../src/coordinator/advance-runs.ts'
import {
  type ControlOnly,
  createControl,
  type State,
  storeMoves,
} from '../helpers/errands/states.ts'

let db: ControlOnly
beforeAll(async () => {
  db = await createControl()
})
afterAll(() => db[Symbol.asyncDispose]())

const state = (phase: State['phase'], open: State['open']) =>
  ({ phase, open, variant: 'no window' }) as const

async function storeRun(states: readonly State[], change: string) {
  const { runId, moves } = await storeMoves(db.control, states)
  await db.control.pool.query(
    `update rehome_control.moves set wave = 2 where run_id = $1 and open`,
    [runId],
  )
  await db.control.pool.query(`update rehome_control.runs set ${change} where id = $1`, [runId])
  return { runId, id: moves[0]?.id ?? '' }
}

const wave = { name: 'w', tenants: 1, soakMs: 0, approve: false, failedMax: 0, pauseMsP99: null }
const runOf = async (id: string) =>
  (await db.control.pool.query('select * from rehome_control.runs where id = $1', [id])).rows[0]

test('a run that cannot be looked after keeps no other one from being stopped', async () => {
  const failing = await storeRun(
    [state('moved', 'nothing'), state('queued', 'move')],
    `wave_count = 2, waves = '${JSON.stringify([wave, wave])}'`,
  )
  const bad = await storeRun(
    [state('failed', 'nothing'), state('queued', 'move')],
    `wave = 2, wave_count = 2, stop_when = '{"failed": 1}'`,
  )
  await db.control.pool.query(
    'update rehome_control.moves set settled_at = clock_timestamp() where id = $1',
    [bad.id],
  )
  const at = {
    control: db.control,
    get queues(): never {
      throw new Error('the queue is gone')
    },
  }
  const failures: string[] = []
  await advanceRuns(at, { everyMs: 0, onError: (_, runId) => failures.push(runId) })
  expect(failures).toEqual([failing.runId])
  expect(await runOf(bad.runId)).toMatchObject({ paused: 'finish' })
})

test('one worker at a time looks after waves, and none until the next look is due', async () => {
  await leaveWaves(db.control, 0)
  const claims = await Promise.all([1, 2, 3].map(() => claimWaves(db.control)))
  expect(claims.toSorted()).toEqual([false, false, true])
  await leaveWaves(db.control, 60_000)
  expect(await claimWaves(db.control)).toBe(false)
})

test('an audit brings back no pause from before a run was resumed', async () => {
  const { runId, id } = await storeRun([state('release', 'move')], `stop_when = '{}'`)
  const end = async (errand: 'move' | 'audit') => {
    const token = randomUUID()
    const move = await claimMove(db.control, { id, errand, token })
    const held = { id, token, attempt: move?.attempt ?? 0 }
    await settleMove(db.control, held, { phase: 'moved', evidence: { pauseMs: 900 } })
  }
  await end('move')
  const counted = async () => (await stopCounts(db.control, runId)).pauseMsP99
  expect(await counted()).toBe(900)
  for (const [kind, paused] of [
    ['paused', 'finish'],
    ['resumed', null],
  ] as const) {
    await steerRun(db.control, runId, { by: 'ada', kind, change: { paused } })
  }
  expect(await counted()).toBeNull()
  await db.control.pool.query(
    `update rehome_control.moves set open = true, errand = 'audit' where id = $1`,
    [id],
  )
  expect(await counted()).toBeNull()
  await end('audit')
  expect(await counted()).toBeNull()
})

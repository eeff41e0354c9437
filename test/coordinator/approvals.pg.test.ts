// Which approvals of a wave are taken; asked of the control database alone.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { askRetry } from '../../src/control/ask.ts'
import { runEventsOf } from '../../src/control/steer.ts'
import { endWave, openWave } from '../../src/control/waves.ts'
import { approve } from '../../src/coordinator/advance-runs.ts'
import {
  type ControlOnly,
  createControl,
  type State,
  storeMoves,
  withoutQueues,
} from '../helpers/errands/states.ts'

let db: ControlOnly
beforeAll(async () => {
  db = await createControl()
})
afterAll(() => db[Symbol.asyncDispose]())

const at = () => withoutQueues(db)
const who = { by: 'ada' }

/** The first move in wave 1, the others in waves 2 and 3. */
async function storeWaves(first: Pick<State, 'phase' | 'open'>) {
  const later = { phase: 'queued', open: 'move', variant: 'no window' } as const
  const states: State[] = [{ ...first, variant: 'no window' }, later, later]
  const { runId, moves } = await storeMoves(db.control, states)
  for (const [i, { id }] of moves.entries()) {
    await db.control.pool.query('update rehome_control.moves set wave = $2 where id = $1', [
      id,
      i + 1,
    ])
  }
  await db.control.pool.query('update rehome_control.runs set wave_count = 3 where id = $1', [
    runId,
  ])
  return { runId, id: moves[0]?.id ?? '' }
}

const look = (runId: string, isOver: boolean) =>
  endWave(db.control, { id: runId, wave: 1 }, { isOver })

const refused = (text: string | RegExp) => ({
  code: 'NOT_ALLOWED_NOW',
  message: expect.stringMatching(text),
})

test.each([
  { phase: 'copy', open: 'move' },
  { phase: 'release', open: 'move' },
  { phase: 'moved', open: 'rollback' },
] as const)('a wave with an open move at %j cannot be approved or overridden', async (state) => {
  const { runId } = await storeWaves(state)
  await look(runId, true)
  for (const override of [false, true]) {
    const asked = approve(at(), runId, { ...who, override })
    await expect(asked).rejects.toMatchObject(refused(/has 1 open tenant\(s\) up to wave 1/))
  }
})

test('a second approval is refused, as the first one was, and that of the wave after it', async () => {
  const { runId } = await storeWaves({ phase: 'moved', open: 'nothing' })
  expect(await approve(at(), runId, { ...who, wave: 1 })).toBe(1)
  await expect(approve(at(), runId, who)).rejects.toMatchObject(refused(/wave 1 approved already/))
  await openWave(db.control, { id: runId, wave: 1 })
  await expect(approve(at(), runId, who)).rejects.toMatchObject(refused(/open tenant/))
  await db.control.pool.query(
    `update rehome_control.moves set open = false, phase = 'moved' where run_id = $1`,
    [runId],
  )
  const late = approve(at(), runId, { ...who, wave: 1 })
  await expect(late).rejects.toMatchObject(refused(/is in wave 2, not in wave 1/))
  expect(await approve(at(), runId, { ...who, dryRun: true })).toBe(2)
  expect(await runEventsOf(db.control, runId)).toHaveLength(1)
})

test('two persons who approve a wave at once approve it once', async () => {
  const { runId } = await storeWaves({ phase: 'moved', open: 'nothing' })
  await look(runId, true)
  const both = await Promise.allSettled([approve(at(), runId, who), approve(at(), runId, who)])
  expect(both.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
  expect(await runEventsOf(db.control, runId)).toHaveLength(1)
})

test('an approval and an override lapse when a tenant of the wave is tried again', async () => {
  const { runId, id } = await storeWaves({ phase: 'failed', open: 'nothing' })
  await approve(at(), runId, who)
  await approve(at(), runId, { ...who, override: true })
  expect(await askRetry(db.control, id, who)).not.toBeNull()
  await look(runId, false)
  const query = 'select approved_wave, overridden_wave from rehome_control.runs where id = $1'
  const { rows } = await db.control.pool.query(query, [runId])
  expect(rows).toEqual([{ approved_wave: 0, overridden_wave: 0 }])
})

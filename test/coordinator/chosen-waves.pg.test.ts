// Errands and steering of one wave of a run; asked of the control database alone.
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { announceWorker } from '../../src/control/workers.ts'
import { askFor } from '../../src/coordinator/ask-errands.ts'
import { cancel } from '../../src/coordinator/fleet/cancel.ts'
import { priceOf } from '../../src/coordinator/price.ts'
import { pause, resume } from '../../src/coordinator/steer.ts'
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
  await announceWorker(db.control, { id: randomUUID(), fingerprints: [''], aliveMs: 600_000 })
})
afterAll(() => db[Symbol.asyncDispose]())

const at = () => withoutQueues(db)

/** Three tenants, the first in wave 1 and the others in wave 2. */
async function storeWaves(state: Pick<State, 'phase' | 'open'>) {
  const stored = { ...state, variant: 'no window' } as const
  const { runId, moves } = await storeMoves(db.control, [stored, stored, stored])
  const later = moves.slice(1).map(({ tenant }) => tenant)
  await db.control.pool.query(
    'update rehome_control.moves set wave = 2 where run_id = $1 and tenant_id = any($2)',
    [runId, later],
  )
  await db.control.pool.query(
    'update rehome_control.runs set wave = 2, wave_count = 2 where id = $1',
    [runId],
  )
  return { runId, first: moves[0]?.tenant ?? '', later: later.toSorted() }
}

const who = { by: 'ada', dryRun: true }

test('an errand on a wave reaches its tenants, and has their price', async () => {
  const { runId, first, later } = await storeWaves({ phase: 'moved', open: 'nothing' })
  for (const errand of ['rollback', 'cleanup'] as const) {
    const ask = async (wave: number) =>
      (await askFor(at(), errand, { ...who, runId, all: true, wave })).tenants
    expect(await ask(1)).toEqual([first])
    expect((await ask(2)).toSorted()).toEqual(later)
    await expect(ask(3)).rejects.toThrow('has no wave 3: its last one is wave 2')
  }
  const price = await priceOf(db.control, runId, { errand: 'cleanup', all: true, wave: 2 })
  expect(price.costs).toEqual([expect.stringContaining('2 tenants: about 14 rows')])
})

test('a wave is paused and cancelled without the others', async () => {
  const { runId, first, later } = await storeWaves({ phase: 'copy', open: 'move' })
  expect((await pause(at(), runId, { by: 'ada', wave: 2 })).tenants.toSorted()).toEqual(later)
  expect((await resume(at(), runId, { ...who, wave: 2 })).tenants.toSorted()).toEqual(later)
  expect(await resume(at(), runId, { ...who, wave: 1 })).toEqual({ count: 0, tenants: [] })
  expect((await resume(at(), runId, { ...who, all: true })).tenants.toSorted()).toEqual(later)
  const { takenBack } = await cancel(at(), runId, { ...who, wave: 1 })
  expect(takenBack).toEqual({ count: 1, tenants: [first] })
  await expect(cancel(at(), runId, { ...who, wave: 9 })).rejects.toMatchObject({ code: 'USAGE' })
})

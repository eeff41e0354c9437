// The rate of a copy on the tenant's page, from what is stored of its move.
import { expect, test } from 'vitest'
import { readEvidence } from '../../src/dashboard/tenants/evidence.ts'

const at = (s: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, s))
const copyBegan = (s: number, attempt = 1) =>
  ({ kind: 'phase', phase: 'copy', attempt, at: at(s) }) as const
const copying = {
  ...({ evidence: {}, pause_ms: null, phase: 'copy', attempt: 1 } as const),
  ...{ rows_copied: '5000', rows_total: '20000', updated_at: at(15) },
}

test('a copy under way has a rate and the time that is left at it', () => {
  const { copyRate } = readEvidence(copying, [copyBegan(10)])
  expect(copyRate).toEqual({ rowsPerS: 1000, leftMs: 15_000 })
  const again = readEvidence({ ...copying, attempt: 2 }, [copyBegan(1), copyBegan(14, 2)])
  expect(again.copyRate).toEqual({ rowsPerS: 5000, leftMs: 3_000 })
  const done = readEvidence({ ...copying, rows_copied: '20000' }, [copyBegan(10)])
  expect(done.copyRate?.leftMs).toBe(0)
})

test('a copy that has ended has the rate that it had', () => {
  const ended = { ...copying, phase: 'moved' as const, evidence: { movePhaseMs: { copy: 2_500 } } }
  expect(readEvidence(ended, [copyBegan(1)]).copyRate).toEqual({ rowsPerS: 2000, leftMs: null })
})

test('without copied rows, or without a known duration, there is no rate', () => {
  expect(readEvidence({ ...copying, rows_copied: '0' }, [copyBegan(10)]).copyRate).toBeNull()
  expect(readEvidence({ ...copying, updated_at: at(10) }, [copyBegan(10)]).copyRate).toBeNull()
  expect(readEvidence(copying, []).copyRate).toBeNull()
  expect(readEvidence({ ...copying, phase: 'failed' }, [copyBegan(10)]).copyRate).toBeNull()
})

test('the phases of every errand are read, in the order in which they were lived through', () => {
  const evidence = { rehearsePhaseMs: { rehearse: 7 }, movePhaseMs: { copy: 2, drain: 1 } }
  const events = ['rehearse', 'drain', 'copy'].map((phase) => ({ ...copyBegan(1), phase }) as const)
  expect(readEvidence({ ...copying, evidence }, events as never).phases).toEqual([
    { errand: 'rehearse', phase: 'rehearse', ms: 7 },
    { errand: 'move', phase: 'drain', ms: 1 },
    { errand: 'move', phase: 'copy', ms: 2 },
  ])
})

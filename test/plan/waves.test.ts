// Waves as a plan says them: which tenants belong to which, and when the next one begins.
import { describe, expect, test } from 'vitest'
import { checkPlan, fingerprintOf } from '../../src/plan/check-plan.ts'
import type { PlanInput } from '../../src/plan/plan.ts'
import { type RunWave, stopReason, verdictOn, type Wave } from '../../src/plan/waves.ts'
import { scheduled } from '../helpers/scheduled.ts'
import { smallPlan } from '../helpers/small-plan.ts'

const tenants = Array.from({ length: 100 }, (_, i) => `t${i}`)
const viewOf = (tenant: string) => ({ percentile: Number(tenant.slice(1)), facts: null })

function tenantsIn(waves: readonly Wave[], all: readonly string[] = tenants) {
  return scheduled(waves, all, viewOf).map(({ wave, tenants }) => [wave.name, tenants])
}

describe('a schedule', () => {
  test('gives each tenant to the first wave that takes it, and shares contain smaller ones', () => {
    const waves: Wave[] = [
      { tenants: ['t7', 'elsewhere'], name: 'our own' },
      { percent: 1 },
      { percent: 5 },
      { rest: true },
    ]
    expect(tenantsIn(waves)).toEqual([
      ['our own', ['t7']],
      ['1 %', ['t0']],
      ['5 %', ['t1', 't2', 't3', 't4']],
      ['rest', tenants.slice(5).filter((tenant) => tenant !== 't7')],
    ])
  })

  test('leaves waves out that have no tenant, and counts what they tolerate', () => {
    const waves: Wave[] = [
      { tenants: ['gone'] },
      { percent: 50, soak: '1h', gates: { failed: '5%' } },
      { rest: true, approve: true, gates: { failed: 3, pauseMsP99: 200 } },
    ]
    expect(scheduled(waves, tenants, viewOf).map(({ wave }) => wave)).toEqual([
      {
        name: '50 %',
        tenants: 50,
        soakMs: 3_600_000,
        approve: false,
        failedMax: 2,
        pauseMsP99: null,
      },
      { name: 'rest', tenants: 50, soakMs: 0, approve: true, failedMax: 3, pauseMsP99: 200 },
    ])
    expect(tenantsIn(waves, ['t99'])).toEqual([['rest', ['t99']]])
    expect(tenantsIn([], tenants)).toEqual([])
  })
})

describe('the next wave', () => {
  const plain: RunWave = {
    ...{ name: '1 %', tenants: 40, soakMs: 0, approve: false, failedMax: 0, pauseMsP99: null },
  }
  const verdict = (change: Partial<RunWave>, state: object) => {
    const stands = { open: 0, failed: 0, pauseMsP99: 90, endedMs: 0 }
    const decided = { isApproved: false, isOverridden: false }
    const wave = { ...plain, ...change }
    return verdictOn({ ...stands, ...decided, ...state, number: 2, wave }, 'run')
  }

  test.each<[change: Partial<RunWave>, state: object]>([
    [{}, {}],
    [{ failedMax: 2 }, { failed: 2 }],
    [{ pauseMsP99: 90 }, {}],
    [{ pauseMsP99: 90 }, { pauseMsP99: null }],
    [{ soakMs: 1_000 }, { endedMs: 1_000 }],
    [{ audited: true }, { unaudited: 0, auditsFailed: 0 }],
    [{}, { unaudited: 3, auditsFailed: 1 }],
    [{ check: 0 }, { answer: true }],
    [{ check: 0 }, { answer: 'no', isOverridden: true }],
    [{ approve: true }, { isApproved: true }],
    [
      { pauseMsP99: 1, soakMs: 9, approve: true },
      { failed: 5, isOverridden: true },
    ],
  ])('begins after %j with %j', (change, state) => {
    expect(verdict(change, state).next).toBe(true)
  })

  test.each<[change: Partial<RunWave>, state: object, reason: string]>([
    [{}, { open: 1, endedMs: null }, 'wave 2 (1 %) has 1 open of 40 tenant(s)'],
    [{}, { open: 1, endedMs: null, isOverridden: true }, 'has 1 open of 40'],
    [
      { failedMax: 2 },
      { failed: 3, isApproved: true },
      'has 3 failed or rolled back move(s), allowed are 2: retry',
    ],
    [{ pauseMsP99: 89 }, {}, 'has a 99 % pause of 90 ms, allowed are 89 ms: `rehome approve run'],
    [{ soakMs: 60_000 }, { endedMs: 1_000, isApproved: true }, 'soaks for 59 s more'],
    [{ check: 0, approve: true }, {}, 'waits for its gates.check'],
    [{ check: 0 }, { answer: 'errors' }, 'is kept back, gates.check answers: errors'],
    [{ audited: true }, { unaudited: 2 }, 'has 2 way(s) back that are not audited yet'],
    [
      { audited: true },
      { unaudited: 2, auditsFailed: 1 },
      'has 1 way(s) back that failed an audit',
    ],
    [{ approve: true }, {}, 'waits for a person: `rehome approve run --wave 2`'],
  ])('waits after %j with %j', (change, state, reason) => {
    const { next, reason: given } = verdict(change, state)
    expect([next, given]).toEqual([false, expect.stringContaining(reason)])
  })
})

test.each([
  [{ failed: 3 }, { failed: 3 }, true],
  [{ failed: 3 }, { failed: 2 }, false],
  [{ failed: '2%' }, { failed: 1 }, false],
  [{ failed: '2%' }, { failed: 2 }, true],
  [{ failed: '0.1%' }, { failed: 1 }, true],
  [{ failed: '0.1%' }, { failed: 0 }, false],
  [{ pauseMsP99: 500 }, { pauseMsP99: 501 }, true],
  [{ pauseMsP99: 500 }, { pauseMsP99: 500 }, false],
  [{ pauseMsP99: 500 }, { pauseMsP99: null }, false],
  [{}, { failed: 100, pauseMsP99: 1e6 }, false],
])('a run with stopWhen %j and %j stops: %s', (stopWhen, state, stops) => {
  const counts = { tenants: 100, failed: 0, pauseMsP99: null, ...state }
  expect(stopReason(stopWhen, counts) !== null).toBe(stops)
})

describe('a plan', () => {
  const check = (changes: Partial<PlanInput>) => checkPlan(smallPlan(changes))

  test.each<[waves: unknown, message: string]>([
    [[], 'waves'],
    [[{ percent: 5 }], 'end with `{ rest: true }`'],
    [[{ rest: true }, { percent: 5 }, { rest: true }], 'end with `{ rest: true }`'],
    [
      [{ soak: '1h' }, { rest: true }],
      'exactly one of `tenants`, `percent`, `where`, `first` and `rest`',
    ],
    [[{ percent: 5, rest: true }], 'exactly one of'],
    [[{ percent: 0 }, { rest: true }], 'waves.0.percent'],
    [[{ percent: 5, soak: 'an hour' }, { rest: true }], 'a length of time'],
    [[{ percent: 5, gates: { failed: '200%' } }, { rest: true }], 'gates.failed'],
    [[{ percent: 5, gate: {} }, { rest: true }], 'unknown `gate`'],
    [
      [{ percent: 5, gates: { audited: true } }, { rest: true }],
      'waves.0.gates.audited`: there is nothing to audit',
    ],
  ])('with waves %j is refused', (waves, message) => {
    expect(() => check({ waves: waves as Wave[] })).toThrow(message)
  })

  test('that stops at no failure is refused', () => {
    expect(() => check({ stopWhen: { failed: 0 } })).toThrow('at least 1')
  })

  test('keeps its fingerprint when its waves change, as each run keeps its own', () => {
    const waves: Wave[] = [{ percent: 1, soak: '1h', approve: true }, { rest: true }]
    const fingerprint = fingerprintOf(check({}))
    expect(fingerprintOf(check({ waves, stopWhen: { failed: '2%' } }))).toBe(fingerprint)
  })
})

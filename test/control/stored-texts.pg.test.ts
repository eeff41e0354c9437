// What persons and drivers say is stored without secrets, in whatever column it ends up: each
// request is made with a password in its reason, and then all of the control database is read.

import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  askCleanup,
  askRetry,
  askRollback,
  askWindow,
  askWithdrawal,
} from '../../src/control/ask.ts'
import type { Control } from '../../src/control/database.ts'
import { addEvents } from '../../src/control/events.ts'
import { claimMove, postponeMove, settleMove, storeProgress } from '../../src/control/moves.ts'
import { steerRun } from '../../src/control/steer.ts'
import { callOff, pauseMoves, skipFailed } from '../../src/control/steer-moves.ts'
import { skip } from '../../src/coordinator/steer.ts'
import { storableJson } from '../../src/errors.ts'
import {
  type ControlOnly,
  createControl,
  type State,
  storeMoves,
  withoutQueues,
} from '../helpers/errands/states.ts'
import { allIn } from '../helpers/pages.ts'

let db: ControlOnly
beforeAll(async () => {
  db = await createControl()
})
afterAll(() => db[Symbol.asyncDispose]())

const secret = 'hunter2'
const text = `NUL \u0000, half \ud83c, postgres://app:${secret}@db/shop, token=${secret}, basic ${secret}=`
const who = { by: `ada password=${secret}\u0000`, reason: text }

const state = (changes: Partial<State> = {}): State => ({
  ...{ phase: 'copy', open: 'move', variant: 'in its window', ...changes },
})
const moved = state({ phase: 'moved', open: 'nothing' })
const failed = state({ phase: 'failed', open: 'nothing' })

interface Stored {
  readonly control: Control
  readonly id: string
  readonly runId: string
  readonly tenant: string
}

async function held({ control, id }: Stored) {
  const token = randomUUID()
  const move = await claimMove(control, { id, errand: 'move', token })
  return { id, token, attempt: move?.attempt ?? 0 }
}

const failure = { code: 'UNEXPECTED', failedPhase: 'copy', message: text, data: { rows: [text] } }
const again = {
  phase: 'copy',
  waitMs: 1,
  failure,
  isAttemptKept: false,
  isHeld: false,
  isRepeated: false,
} as const

const ways: Record<string, [State, (of: Stored) => Promise<unknown>]> = {
  retry: [failed, ({ control, id }) => askRetry(control, id, who)],
  rollback: [moved, ({ control, id }) => askRollback(control, id, { ...who, discardWrites: true })],
  withdrawal: [state(), ({ control, id }) => askWithdrawal(control, id, who)],
  finalize: [moved, ({ control, id }) => askWindow(control, id, { ...who, errand: 'finalize' })],
  cleanup: [
    state({ phase: 'moved', open: 'nothing', variant: 'no window' }),
    ({ control, id }) => askCleanup(control, id, who),
  ],
  pause: [
    state(),
    ({ control, runId }) => allIn(pauseMoves(control, { runId }, { ...who, paused: 'now' })),
  ],
  'pause of a run': [
    state(),
    ({ control, runId }) =>
      steerRun(control, runId, { ...who, kind: 'paused', change: { paused: 'now' } }),
  ],
  cancel: [
    state(),
    ({ control, runId }) =>
      allIn(callOff(control, { runId }, { ...who, code: 'CANCELLED', isOrphaned: true })),
  ],
  skip: [failed, ({ control, runId }) => allIn(skipFailed(control, { runId }, who))],
  'skip of a run': [
    failed,
    ({ runId, tenant }) => skip(withoutQueues(db), runId, { ...who, tenants: [tenant] }),
  ],
  failure: [
    state(),
    async (of) => settleMove(of.control, await held(of), { phase: 'failed', failure }),
  ],
  wait: [state(), async (of) => postponeMove(of.control, await held(of), again)],
  progress: [
    state(),
    async (of) =>
      storeProgress(of.control, await held(of), { message: text, evidence: { seen: [text] } }),
  ],
  event: [
    state(),
    ({ control, id: moveId }) =>
      addEvents(control, [
        { moveId, attempt: 1, kind: 'waiting', message: text, data: { deep: [{ text }] } },
      ]),
  ],
}

const tables = ['runs', 'moves', 'events', 'run_events']

/** All rows that came with a way, as texts. */
async function storedTexts(control: Control): Promise<string[]> {
  const reads = tables.map((name) => `select t::text as row from rehome_control.${name} t`)
  return (await control.pool.query(reads.join(' union all '))).rows.map(({ row }) => row)
}

test.each(Object.entries(ways))(
  'a secret in the words of a %s is stored nowhere',
  async (_, [first, ask]) => {
    const { control } = db
    const { runId, moves } = await storeMoves(control, [first])
    const { id = '', tenant = '' } = moves[0] ?? {}
    const answer = await ask({ control, runId, id, tenant })
    expect([null, false]).not.toContain(answer)
    const rows = await storedTexts(control)
    expect(rows.filter((row) => row.includes(secret))).toEqual([])
    const own = rows.filter((row) => row.includes(id) || row.includes(runId))
    expect(own.join()).toContain('***')
  },
)

test('what is no secret is stored as it is', () => {
  const value = { rows: 3, when: new Date(0), keys: ['(1,a)', null], ok: true }
  expect(storableJson(value)).toBe(JSON.stringify(value))
})

// Which errand may be asked of a move when: one table over every phase, whatever is open, and the
// window; asked of the control database alone. What does not stand in the table is refused.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { askCleanup, askRetry, askRollback, askWindow } from '../../src/control/ask.ts'
import type { Move } from '../../src/control/database.ts'
import { askFor } from '../../src/coordinator/ask-errands.ts'
import {
  type Asked,
  allStates,
  type ControlOnly,
  createControl,
  nameOf,
  type Open,
  type State,
  type StoredMove,
  storeMoves,
  type Variant,
  variants,
  withoutQueues,
} from '../helpers/errands/states.ts'

interface Rule {
  readonly errand: Asked
  /** Where the move stands again if the errand fails for good. */
  readonly fallback: Move['fallback_phase']
  readonly phase: readonly State['phase'][] | 'any'
  readonly open: Open
  readonly variants: readonly Variant[]
  /** Where it begins; else it stays where it is. */
  readonly begins?: State['phase']
}

const all = variants
const windowed: readonly Variant[] = ['in its window', 'window over']
const homeAgain: readonly Variant[] = ['no window', 'window over', 'clean-up begun']
const undoable: readonly Variant[] = ['no window', ...windowed]
const beforeCutover = [
  ...(['queued', 'preflight', 'capture', 'fence', 'drain', 'copy', 'catch_up', 'verify'] as const),
  'hold',
  'final_catch_up',
] as const

const rules: readonly Rule[] = [
  {
    errand: 'move',
    fallback: 'failed',
    phase: ['failed'],
    open: 'nothing',
    variants: all,
    begins: 'queued',
  },
  { errand: 'rollback', fallback: 'moved', phase: ['moved'], open: 'nothing', variants: undoable },
  { errand: 'rollback', fallback: 'moved', phase: 'any', open: 'audit', variants: undoable },
  { errand: 'rollback', fallback: 'failed', phase: ['failed'], open: 'nothing', variants: all },
  { errand: 'rollback', fallback: 'failed', phase: beforeCutover, open: 'move', variants: all },
  { errand: 'audit', fallback: 'moved', phase: ['moved'], open: 'nothing', variants: windowed },
  { errand: 'finalize', fallback: 'moved', phase: ['moved'], open: 'nothing', variants: windowed },
  { errand: 'finalize', fallback: 'moved', phase: 'any', open: 'audit', variants: windowed },
  { errand: 'cleanup', fallback: 'moved', phase: ['moved'], open: 'nothing', variants: homeAgain },
  {
    errand: 'cleanup',
    fallback: 'rolled_back',
    phase: ['rolled_back'],
    open: 'nothing',
    variants: homeAgain,
  },
]

const ruleFor = (errand: Asked, { phase, open, variant }: State) =>
  rules.find(
    (rule) =>
      rule.errand === errand &&
      (rule.phase === 'any' || rule.phase.includes(phase)) &&
      rule.open === open &&
      rule.variants.includes(variant),
  )

const errands: readonly Asked[] = ['move', 'rollback', 'audit', 'finalize', 'cleanup']

let db: ControlOnly
beforeAll(async () => {
  db = await createControl()
})
afterAll(() => db[Symbol.asyncDispose]())

function ask(errand: Asked, id: string): Promise<object | null> {
  const { control } = db
  if (errand === 'move') return askRetry(control, id, { by: 'tester' })
  if (errand === 'rollback') return askRollback(control, id, { by: 'tester', discardWrites: true })
  if (errand === 'cleanup') return askCleanup(control, id, { by: 'tester' })
  return askWindow(control, id, { errand, by: 'tester' })
}

const rowOf = async (id: string): Promise<Move> =>
  (await db.control.pool.query('select * from rehome_control.moves where id = $1', [id])).rows[0]

/** Rows as they are written: equal ones have not been touched. */
const rowsOf = async (runId: string): Promise<Map<string, string>> => {
  const query = 'select id, m::text as row from rehome_control.moves m where run_id = $1'
  const { rows } = await db.control.pool.query(query, [runId])
  return new Map(rows.map(({ id, row }) => [id, row]))
}

const eventsOf = async (runId: string): Promise<Map<string, unknown>> => {
  const query = `select move_id, kind, data from rehome_control.events e
    join rehome_control.moves m on m.id = e.move_id where m.run_id = $1`
  const { rows } = await db.control.pool.query(query, [runId])
  return new Map(rows.map(({ move_id, ...event }) => [move_id, event]))
}

async function askAll(
  errand: Asked,
  moves: readonly StoredMove[],
): Promise<Map<string, object | null>> {
  const waiting = [...moves]
  const answers = new Map<string, object | null>()
  const askNext = async () => {
    for (let next = waiting.pop(); next; next = waiting.pop()) {
      answers.set(next.id, await ask(errand, next.id))
    }
  }
  await Promise.all(Array.from({ length: 8 }, askNext))
  return answers
}

describe.each(errands)('%s', (errand) => {
  test('is taken up in the states of its rules, and else changes nothing', async () => {
    const { runId, moves } = await storeMoves(db.control, allStates)
    const before = await rowsOf(runId)
    const answers = await askAll(errand, moves)
    const after = await rowsOf(runId)
    const events = await eventsOf(runId)
    const wrong = moves.filter(({ id, state }) => {
      const answer = answers.get(id) ?? null
      if (ruleFor(errand, state)) return answer === null || !events.has(id)
      return answer !== null || events.has(id) || before.get(id) !== after.get(id)
    })
    expect(wrong.map(({ state }) => nameOf(state))).toEqual([])
  })

  test('that is taken up begins with all of its attempts, under no token', async () => {
    for (const rule of rules.filter((one) => one.errand === errand)) {
      const phase = rule.phase === 'any' ? 'moved' : (rule.phase.at(-1) ?? 'moved')
      const state = { phase, open: rule.open, variant: rule.variants.at(-1) ?? 'no window' }
      const { moves } = await storeMoves(db.control, [state], { attemptsUsed: 3 })
      const id = moves[0]?.id ?? ''
      await ask(errand, id)
      expect(await rowOf(id)).toMatchObject({
        ...{ errand, open: true, token: null, attempts_used: 0, generation: 5 },
        ...{ phase: rule.begins ?? phase, fallback_phase: rule.fallback },
        ...{ discard_writes: errand === 'rollback', rows_copied: rule.begins ? '0' : '7' },
      })
    }
  })

  test('is taken up once by concurrent callers', async () => {
    const [rule] = rules.filter((one) => one.errand === errand)
    const phase = rule?.phase[0] as State['phase']
    const { moves } = await storeMoves(db.control, [
      { phase, open: 'nothing', variant: 'window over' },
    ])
    const id = moves[0]?.id ?? ''
    const answers = await Promise.all([1, 2, 3, 4].map(() => ask(errand, id)))
    expect(answers.filter((answer) => answer !== null)).toHaveLength(1)
  })

  test('waits for another run that is busy with the tenant', async () => {
    const [rule] = rules.filter((one) => one.errand === errand)
    const phase = rule?.phase[0] as State['phase']
    const { moves } = await storeMoves(db.control, [
      { phase, open: 'nothing', variant: 'window over' },
    ])
    const [move] = moves
    const other = await storeMoves(db.control, [
      { phase: 'queued', open: 'nothing', variant: 'no window' },
    ])
    const busy = 'update rehome_control.moves set tenant_id = $1, open = true where run_id = $2'
    await db.control.pool.query(busy, [move?.tenant, other.runId])
    await expect(ask(errand, move?.id ?? '')).rejects.toMatchObject({ code: 'TENANT_BUSY' })
  })
})

/**
 * Requests in the form of the library: by run and tenants. Nothing is enqueued by a dry run or a
 * refusal.
 */
const commands = {
  move: 'retry',
  rollback: 'rollback',
  finalize: 'finalize',
  cleanup: 'cleanup',
} as const
type Command = keyof typeof commands
const at = () => withoutQueues(db)

/** Phases that a move passes through under an errand that is open. */
const reached: Readonly<Partial<Record<Open, RegExp>>> = {
  nothing: /^(moved|failed|rolled_back|cleaned|rehearsed)$/,
  move: /^(queued|preflight|capture|fence|drain|copy|catch_up|verify|hold|final_catch_up|cutover|release)$/,
  rollback: /^(undo_.*|withdraw|moved|failed)$/,
  audit: /^(audit|moved)$/,
  finalize: /^(finalize|moved)$/,
  cleanup: /^(cleanup|moved|rolled_back)$/,
  rehearse: /^(queued|rehearse)$/,
}
const reachable = allStates.filter(({ phase, open }) => reached[open]?.test(phase))

describe.each(Object.keys(commands) as Command[])('the command for %s', (errand) => {
  const command = commands[errand]

  test('tries what would be taken up, and refuses what would not, with a code', async () => {
    const { runId, moves } = await storeMoves(db.control, reachable)
    const allowed = moves.filter(({ state }) => ruleFor(errand, state))
    const options = { by: 'tester', dryRun: true }
    const tenants = allowed.map(({ tenant }) => tenant)
    const tried = await askFor(at(), command, { runId, ...options, tenants })
    expect(tried.tenants.toSorted()).toEqual(tenants.toSorted())
    for (const { tenant, state } of moves) {
      if (ruleFor(errand, state)) continue
      const said = await askFor(at(), command, { runId, ...options, tenants: [tenant] }).catch(
        (e) => e.code,
      )
      expect([nameOf(state), said]).toEqual([nameOf(state), 'NOT_ALLOWED_NOW'])
    }
  })

  test('asks nothing of anybody where one of the tenants refuses it', async () => {
    const states = reachable.filter((state) => ruleFor(errand, state)).slice(0, 2)
    const refused = reachable.find((state) => !ruleFor(errand, state)) as State
    const { runId, moves } = await storeMoves(db.control, [...states, refused])
    const before = await rowsOf(runId)
    const tenants = moves.map(({ tenant }) => tenant)
    const asked = askFor(at(), command, { runId, by: 'tester', tenants })
    await expect(asked).rejects.toMatchObject({ code: 'NOT_ALLOWED_NOW' })
    expect(await rowsOf(runId)).toEqual(before)
  })

  test('refuses runs and tenants that it does not know', async () => {
    const { runId } = await storeMoves(db.control, reachable.slice(0, 1))
    for (const [run, tenants, code] of [
      ['no such run', ['acme'], 'RUN_UNKNOWN'],
      ['\0', ['acme'], 'RUN_UNKNOWN'],
      [runId, ['acme'], 'TENANT_UNKNOWN'],
      [runId, [''], 'TENANT_ID_INVALID'],
      [runId, ['*'], 'TENANT_ID_INVALID'],
    ] as const) {
      const asked = askFor(at(), command, { runId: run, by: 'tester', tenants })
      await expect(asked).rejects.toMatchObject({ code })
    }
  })
})

test('a rehearsal is neither tried again, nor rolled back, nor cleaned up, nor finalized', async () => {
  const states: State[] = (['rehearsed', 'failed'] as const).map((phase) => {
    return { phase, open: 'nothing', variant: 'no window' }
  })
  const { runId, moves } = await storeMoves(db.control, states, { rehearsal: true })
  expect([...(await askAll('move', moves)).values()]).toEqual([null, null])
  const retried = askFor(at(), 'retry', { runId, by: 'tester' })
  await expect(retried).rejects.toMatchObject({ code: 'NOT_ALLOWED_NOW' })
  const [rehearsed] = moves
  for (const errand of errands) expect(await ask(errand, rehearsed?.id ?? '')).toBeNull()
})

test('a move that failed before it changed anything stays failed when a rollback is asked', async () => {
  const states: State[] = variants.map((variant) => ({ phase: 'failed', open: 'nothing', variant }))
  const { runId, moves } = await storeMoves(db.control, states, { isUntouched: true })
  const before = await rowsOf(runId)
  expect([...(await askAll('rollback', moves)).values()]).toEqual(states.map(() => null))
  const asked = askFor(at(), 'rollback', {
    ...{ runId, by: 'tester', tenants: moves.map(({ tenant }) => tenant) },
  })
  await expect(asked).rejects.toMatchObject({
    code: 'NOT_ALLOWED_NOW',
    message: expect.stringMatching(/is failed: it had changed nothing .* UNREACHABLE, so there is/),
  })
  expect(await rowsOf(runId)).toEqual(before)
})

test('a rollback of several tenants passes over those whose moves had changed nothing', async () => {
  const failed: State = { phase: 'failed', open: 'nothing', variant: 'no window' }
  const { runId, moves } = await storeMoves(db.control, [failed, failed, failed])
  const [untouched, ...others] = moves.map(({ tenant }) => tenant)
  const forget = 'update rehome_control.moves set epoch = null where run_id = $1 and tenant_id = $2'
  await db.control.pool.query(forget, [runId, untouched])
  const passed: string[][] = []
  const onPassedOver = (...pair: [string, string]) => void passed.push(pair)
  const options = { by: 'tester', tenants: moves.map(({ tenant }) => tenant), onPassedOver }
  const tried = await askFor(at(), 'rollback', { ...options, runId, dryRun: true })
  expect(tried.tenants.toSorted()).toEqual(others.toSorted())
  const reason = expect.stringMatching(/is failed: it had changed nothing .* UNREACHABLE, so there/)
  expect(passed).toEqual([[untouched, reason]])
})

test('a move that was not begun yet is called off by a rollback', async () => {
  const state: State = { phase: 'queued', open: 'move', variant: 'no window' }
  const { moves } = await storeMoves(db.control, [state], { isUntouched: true })
  await askAll('rollback', moves)
  expect((await rowOf(moves[0]?.id ?? '')).fallback_phase).toBe('failed')
})

// Every state that a move could be in, as rows of the control database: by phase, by the errand
// that is open, and by the other inputs of the rules about asking.
import { randomUUID } from 'node:crypto'
import { type Control, closeControl, openControl } from '../../../src/control/database.ts'
import { insertRun } from '../../../src/control/runs/runs.ts'
import type { Errand } from '../../../src/errands.ts'
import { migrate } from '../../../src/migrations.ts'
import type { Phase } from '../../../src/phases.ts'
import { createPool } from '../../../src/postgres.ts'
import { createDatabase, templateDatabase } from '../database.ts'

const phases: readonly Phase[] = [
  ...(['queued', 'preflight', 'capture', 'fence', 'drain', 'copy', 'catch_up', 'verify'] as const),
  ...([
    'hold',
    'final_catch_up',
    'cutover',
    'release',
    'moved',
    'failed',
    'undo_catch_up',
  ] as const),
  ...(['undo_compare', 'undo_fence', 'undo_drain', 'undo_final_catch_up', 'undo_cutover'] as const),
  ...([
    'undo_release',
    'withdraw',
    'rolled_back',
    'audit',
    'finalize',
    'cleanup',
    'cleaned',
  ] as const),
  ...(['rehearse', 'rehearsed'] as const),
]

/** Open errands, or none. */
export const opens = [
  'nothing',
  'move',
  'rollback',
  'audit',
  'finalize',
  'cleanup',
  'rehearse',
] as const
export type Open = (typeof opens)[number]

export const variants = ['no window', 'in its window', 'window over', 'clean-up begun'] as const
export type Variant = (typeof variants)[number]

export interface State {
  readonly phase: Phase
  readonly open: Open
  readonly variant: Variant
}

export const allStates: readonly State[] = phases.flatMap((phase) =>
  opens.flatMap((open) => variants.map((variant) => ({ phase, open, variant }))),
)

export const nameOf = ({ phase, open, variant }: State) =>
  `${phase}, ${open === 'nothing' ? 'settled' : `open: ${open}`}, ${variant}`

export interface ControlOnly extends AsyncDisposable {
  readonly control: Control
}

/** A control database, and nothing else. */
export async function createControl(): Promise<ControlOnly> {
  const template = await templateDatabase('control_only', async (url) => {
    const pool = createPool({ url, name: 'control', size: 1 })
    await migrate(pool, 'control')
    await pool.end()
  })
  const database = await createDatabase({ template })
  const control = openControl(database.url)
  return {
    control,
    async [Symbol.asyncDispose]() {
      await closeControl(control)
      await database.drop()
    },
  }
}

/** Parts of a library whose requests may not reach a queue. */
export function withoutQueues({ control }: ControlOnly) {
  return {
    control,
    get queues(): never {
      throw new Error('nothing is to be enqueued')
    },
  }
}

export interface StoredMove {
  readonly id: string
  readonly tenant: string
  readonly state: State
}

/** A run with a move, of a tenant of its own, in each of the states. */
export async function storeMoves(
  control: Control,
  states: readonly State[],
  change: {
    readonly rehearsal?: boolean
    readonly attemptsUsed?: number
    /** Nothing was closed yet. */
    readonly isUntouched?: boolean
  } = {},
): Promise<{ runId: string; moves: StoredMove[] }> {
  const runId = `run-${randomUUID()}`
  const moves = states.map((state) => ({
    id: randomUUID(),
    tenant: `tenant ${randomUUID()}`,
    state,
  }))
  const about = {
    plan_name: 'plan',
    plan_fingerprint: '',
    scope: 'default',
    source: 's',
    target: 't',
  }
  const how = { attempts: 3, backoff_ms: 1, created_by: 'tester', rehome_version: '0' }
  const { rehearsal = false, attemptsUsed = 2, isUntouched = false } = change
  await insertRun(
    control,
    { id: runId, ...about, ...how, rehearsal },
    { moves, errand: 'move', targetScope: 'default' },
  )
  const query = `update rehome_control.moves m set phase = s.phase, open = s.errand <> 'nothing',
      errand = case s.errand when 'nothing' then 'move' else s.errand end,
      window_until = case s.variant when 'in its window' then clock_timestamp() + interval '1 h'
        when 'window over' then clock_timestamp() - interval '1 h' end,
      cleanup_begun = s.variant = 'clean-up begun', token = gen_random_uuid(), rows_copied = 7,
      attempts_used = $5, settled_at = case s.errand when 'nothing' then clock_timestamp() end,
      epoch = case when not $6::boolean then gen_random_uuid() end, generation = 4, error_code = case s.phase when 'failed' then 'UNREACHABLE' end
    from unnest($1::uuid[], $2::text[], $3::text[], $4::text[]) s (id, phase, errand, variant)
    where m.id = s.id`
  const list = (of: (move: StoredMove) => string) => moves.map(of)
  await control.pool.query(query, [
    list(({ id }) => id),
    list(({ state }) => state.phase),
    list(({ state }) => state.open),
    list(({ state }) => state.variant),
    attemptsUsed,
    isUntouched,
  ])
  return { runId, moves }
}

export type Asked = Exclude<Errand, 'rehearse'>

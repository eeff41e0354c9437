/** The control database: its tables as Kysely types, and how it is opened. */
import { type Generated, type Insertable, Kysely, PostgresDialect, type Selectable } from 'kysely'
import { createPool, type Pool } from '../postgres.ts'

/**
 * Where a move stands. Stored before the phase begins, so that a worker that died in it is known to
 * have been there.
 */
export type Phase = WorkingPhase | SettledPhase

export type WorkingPhase =
  /** Waits for a worker, or for its next attempt. */
  | 'queued'
  /** Everything that can be known beforehand is checked; the target is closed and emptied. */
  | 'preflight'
  /** The tenant's writes are refused at the source from here on. */
  | 'fence'
  /** Waits for transactions that were already writing. */
  | 'drain'
  /** Online: from here on every change at the source is logged. The tenant goes on writing. */
  | 'capture'
  | 'copy'
  /** Online: what was written since follows, in rounds. */
  | 'catch_up'
  | 'verify'
  /** Online, under the fence: the last changes follow, and are compared. */
  | 'final_catch_up'
  /**
   * The intent is stored, then one commit at the source. From that commit on there is no way back.
   */
  | 'cutover'
  /** The target opens. */
  | 'release'
  /** Those of a rollback after the cutover: the same, with the ends exchanged. */
  | 'undo_catch_up'
  | 'undo_compare'
  | 'undo_fence'
  | 'undo_drain'
  | 'undo_final_catch_up'
  | 'undo_cutover'
  | 'undo_release'
  /** A rollback before the cutover: the target's rows are removed, all flags go. */
  | 'withdraw'
  /** The way back is tried within a transaction that is undone. */
  | 'audit'
  /** The new home stops logging what is written there. */
  | 'finalize'
  /** The old copy is removed. */
  | 'cleanup'
  /** The tenant is copied and compared while it goes on writing, and all of it is removed again. */
  | 'rehearse'

export type SettledPhase =
  /** The target is the tenant's home. */
  | 'moved'
  /** Nothing changed for the tenant: the source is its home, and open. */
  | 'failed'
  | 'rolled_back'
  | 'cleaned'
  /** The source is its home, and nothing is left at the target. */
  | 'rehearsed'

export type Errand = 'move' | 'rollback' | 'audit' | 'finalize' | 'cleanup' | 'rehearse'

export interface RunsTable {
  id: string
  plan_name: string
  plan_fingerprint: string
  scope: string
  source: string
  target: string
  attempts: number
  backoff_ms: number
  created_by: string
  created_at: Generated<Date>
  rehome_version: string
  rehearsal: Generated<boolean>
}

export interface MovesTable {
  id: string
  run_id: string
  scope: string
  target_scope: string
  tenant_id: string
  phase: Generated<Phase>
  errand: Generated<Errand>
  open: Generated<boolean>
  fallback_phase: Generated<SettledPhase>
  discard_writes: Generated<boolean>
  window_until: Date | null
  audited_at: Date | null
  cleanup_begun: Generated<boolean>
  attempt: Generated<number>
  attempts_used: Generated<number>
  generation: Generated<number>
  token: string | null
  turn: string | null
  epoch: string | null
  not_before: Generated<Date>
  failed_phase: string | null
  error_code: string | null
  error_message: string | null
  error_data: unknown
  rows_total: string | null
  rows_copied: Generated<string>
  pause_ms: number | null
  evidence: Generated<Record<string, unknown>>
  created_at: Generated<Date>
  updated_at: Generated<Date>
}

export interface EventsTable {
  id: Generated<string>
  move_id: string
  at: Generated<Date>
  attempt: number
  kind: string
  phase: string | null
  message: string
  data: Generated<Record<string, unknown>>
}

interface Tables {
  runs: RunsTable
  moves: MovesTable
  events: EventsTable
}

export type Run = Selectable<RunsTable>
export type Move = Selectable<MovesTable>
export type MoveEvent = Selectable<EventsTable>
export type NewRun = Insertable<RunsTable>

export interface Control {
  readonly db: Kysely<Tables>
  readonly pool: Pool
  readonly url: string
}

export function openControl(url: string, size = 8): Control {
  const pool = createPool({ url, name: 'control', size, answerMs: 10_000 })
  const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) })
  return { db: db.withSchema('rehome_control'), pool, url }
}

export async function closeControl(control: Control): Promise<void> {
  await control.pool.end()
}

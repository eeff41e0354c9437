/** The control database: its tables as Kysely types, and how it is opened. */
import {
  type ColumnType,
  type Generated,
  type Insertable,
  Kysely,
  PostgresDialect,
  type Selectable,
} from 'kysely'
import type { Errand } from '../errands.ts'
import type { Phase, SettledPhase } from '../phases.ts'
import type { Facts } from '../plan/facts.ts'
import type { StoredWindow } from '../plan/timing/windows.ts'
import type { RunWave, StopWhen } from '../plan/waves.ts'
import { createPool, type Pool } from '../postgres.ts'

/** `finish`: moves under way go on. `now`: they give up, unless they are cut over. */
export type Pause = 'finish' | 'now'

/** The place of a run's moves among those of other runs. */
export type Priority = 'first' | 'normal' | 'last'

/** Read as a value, written as its text. */
type Json<T> = ColumnType<T, string | null, string | null>

/** Results of a move's attempts: what they compared, counted and measured, by name. */
export interface Evidence {
  straysMs?: number
  straysUnseen?: unknown
  lookups?: string
  sequences?: Readonly<Record<string, string>>
  quarantined?: {
    readonly rows: number
    readonly tables: Readonly<Record<string, number>>
    readonly first?: readonly unknown[]
  }
  /** The last look at a held move. */
  hold?: HoldLook
  /** How long it has given way, by rests between its chunks, and the last reason. */
  pace?: { readonly restedMs: number; readonly reason: string }
  /** Estimates of a move that does not fit its window; `trouble`: none is long enough. */
  window?: { readonly needsMs: number; readonly hasMs: number; readonly trouble: string | null }
  rehearsal?: Pick<Rehearsal, 'rows' | 'copyMs'> & Partial<Rehearsal>
  /** Table → rows of everybody that the tenant needs. */
  shared?: Record<string, SharedTotal>
  /** The move's update of the application's directory. */
  directory?: DirectoryEvidence
  /** The rollback's. */
  rollbackDirectory?: DirectoryEvidence
  /** That of the way back. */
  rollback?: Evidence
  [other: string]: unknown
}

export interface DirectoryEvidence {
  /** End → what `cutover.also` has changed there; `inCutover`: in the cutover's commit. */
  readonly also?: Readonly<Record<string, { readonly rows: number; readonly inCutover: boolean }>>
  /** How long the call of `cutover.onMoved` took that resolved. */
  readonly onMovedMs?: number
}

export type SharedTotal = Readonly<Record<'rows' | 'inserted' | 'kept' | 'updated', number>>

export interface Rehearsal {
  rows: number
  copyMs: number
  verifyMs: number
  rowsPerS: number
  predictedPauseMs: number
}

export interface HoldLook {
  readonly rounds: number
  readonly changes: number
  /** The last round of the look, in ms: a cutover would pause the tenant for at least as long. */
  readonly lastMs: number
  /** How long before the end of the hold an attempt has to begin, to have compared all by then. */
  readonly leadMs: number
}

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
  strategy: Generated<'offline' | 'online'>
  paused: Pause | null
  priority: Generated<Priority>
  waves: Json<readonly RunWave[] | null>
  wave_count: Generated<number>
  wave: Generated<number>
  wave_ended_at: Date | null
  approved_wave: Generated<number>
  overridden_wave: Generated<number>
  gate_asked_at: Date | null
  gate_answer: string | null
  stop_when: Json<StopWhen | null>
  events_gone_until: Date | null
  events_gone_after: string | null
}

export interface RunEventsTable {
  id: Generated<string>
  run_id: string
  at: Generated<Date>
  kind: string
  by: string
  reason: string | null
  data: Json<Record<string, unknown>>
}

export interface MovesTable {
  id: string
  run_id: string
  scope: string
  target_scope: string
  tenant_id: string
  source: string | null
  target: string | null
  phase: Generated<Phase>
  errand: Generated<Errand>
  open: Generated<boolean>
  fallback_phase: Generated<SettledPhase>
  discard_writes: Generated<boolean>
  window_until: Date | null
  wave: Generated<number>
  place: Generated<number>
  has_job: Generated<boolean>
  paused: Pause | null
  held: Generated<boolean>
  complete_after: Date | null
  windows: Json<readonly StoredWindow[] | null>
  facts: ColumnType<Facts, string | undefined, string>
  audited_at: Date | null
  rested_at: Date | null
  cleanup_begun: Generated<boolean>
  attempt: Generated<number>
  attempts_used: Generated<number>
  generation: Generated<number>
  token: string | null
  turn: string | null
  epoch: string | null
  not_before: Generated<Date>
  gives_way: string | null
  failed_phase: string | null
  error_code: string | null
  error_message: string | null
  error_data: unknown
  rows_total: string | null
  rows_copied: Generated<string>
  pause_ms: number | null
  settled_at: Date | null
  evidence: Generated<Evidence>
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
  data: Json<Record<string, unknown>>
}

export interface SchemaStatementsTable {
  id: Generated<string>
  plan_name: string
  part: string
  end_name: 'source' | 'target'
  place: string
  file: string
  number: number
  line: number
  hash: string
  statement: string
  by: string
  outcome: 'done' | 'failed' | 'recovered'
  attempts: number
  began_at: Date | null
  ended_at: Generated<Date>
  waited_ms: number | null
  held_ms: number | null
  locks: unknown
  row_count: string | null
  error_message: string | null
}

interface Tables {
  schema_statements: SchemaStatementsTable
  runs: RunsTable
  run_events: RunEventsTable
  moves: MovesTable
  events: EventsTable
}

export type SchemaStatement = Selectable<SchemaStatementsTable>
export type NewSchemaStatement = Insertable<SchemaStatementsTable>
export type RunEvent = Selectable<RunEventsTable>
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

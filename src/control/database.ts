/** The control database: its tables as Kysely types, and how it is opened. */
import { type Generated, type Insertable, Kysely, PostgresDialect, type Selectable } from 'kysely'
import type { Errand } from '../errands.ts'
import type { Phase, SettledPhase } from '../phases.ts'
import { createPool, type Pool } from '../postgres.ts'

/** `finish`: moves under way go on. `now`: they give up, unless they are cut over. */
export type Pause = 'finish' | 'now'

/** The place of a run's moves among those of other runs. */
export type Priority = 'first' | 'normal' | 'last'

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
  paused: Pause | null
  priority: Generated<Priority>
  waves: unknown
  wave_count: Generated<number>
  wave: Generated<number>
  wave_ended_at: Date | null
  approved_wave: Generated<number>
  overridden_wave: Generated<number>
  stop_when: unknown
}

export interface RunEventsTable {
  id: Generated<string>
  run_id: string
  at: Generated<Date>
  kind: string
  by: string
  reason: string | null
  data: Generated<Record<string, unknown>>
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
  wave: Generated<number>
  paused: Pause | null
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
  settled_at: Date | null
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
  run_events: RunEventsTable
  moves: MovesTable
  events: EventsTable
}

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

/**
 * Named queries of a run's report. They read one snapshot, in pages of tenants, and never the
 * values that open or change an end.
 */
import { type Client, inTransactionOf } from '../../postgres.ts'
import type { Control, Move, MoveEvent, Run, RunEvent } from '../database.ts'

const columns = [
  'id',
  'tenant_id',
  'phase',
  'errand',
  'open',
  'wave',
  'attempt',
  'failed_phase',
  'error_code',
  'error_message',
  'rows_total',
  'rows_copied',
  'pause_ms',
  'window_until',
  'evidence',
] as const

export type ReportedMove = Pick<Move, (typeof columns)[number]>
export type ReportedEvent = Pick<
  MoveEvent,
  'move_id' | 'at' | 'attempt' | 'kind' | 'phase' | 'message' | 'data'
>

export interface MoveWithEvents {
  readonly move: ReportedMove
  readonly events: readonly ReportedEvent[]
  /** A retention has removed events of the run. */
  readonly eventsRemoved: boolean
}

export interface RunReader {
  readonly at: Date
  readonly run: Run
  /** Oldest first. */
  readonly runEvents: readonly RunEvent[]
  /** In the order of their ids, a page of them in memory at a time. */
  moves(): AsyncGenerator<MoveWithEvents, void, undefined>
}

const tenantsAPage = 200

/** Reads the run as of one moment. undefined: there is no such run, and nothing is called. */
export async function readRunAtOnce<T>(
  control: Control,
  runId: string,
  work: (reader: RunReader) => Promise<T>,
): Promise<T | undefined> {
  const begin = 'begin isolation level repeatable read read only'
  return await inTransactionOf(control.pool, begin, async (client) => {
    const { rows } = await client.query<Run & { now: Date }>(
      'select *, clock_timestamp() as now from rehome_control.runs where id = $1',
      [runId],
    )
    const run = rows[0]
    if (!run) return undefined
    const decided = await client.query<RunEvent>(
      'select * from rehome_control.run_events where run_id = $1 order by id',
      [runId],
    )
    const moves = () => pagesOf(client, run)
    return await work({ at: run.now, run, runEvents: decided.rows, moves })
  })
}

const nextMoves = `select ${columns.join(', ')} from rehome_control.moves
  where run_id = $1 and ($2::text is null or tenant_id > $2) order by tenant_id limit ${tenantsAPage}`

const theirEvents = `select move_id, at, attempt, kind, phase, message, data
  from rehome_control.events where move_id = any($1) order by move_id, id`

async function* pagesOf(client: Client, run: Run): AsyncGenerator<MoveWithEvents, void, undefined> {
  const eventsRemoved = run.events_gone_until !== null
  let after: string | null = null
  for (;;) {
    const page: { rows: ReportedMove[] } = await client.query(nextMoves, [run.id, after])
    const ids = page.rows.map((move) => move.id)
    const { rows: events } = await client.query<ReportedEvent>(theirEvents, [ids])
    const byMove = new Map<string, ReportedEvent[]>(ids.map((id) => [id, []]))
    for (const event of events) byMove.get(event.move_id)?.push(event)
    for (const move of page.rows) {
      yield { move, events: byMove.get(move.id) ?? [], eventsRemoved }
    }
    if (page.rows.length < tenantsAPage) return
    after = page.rows.at(-1)?.tenant_id ?? null
  }
}

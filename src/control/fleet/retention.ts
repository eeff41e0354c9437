/**
 * How long events are kept. Events of a run are removed some time after all of its errands have
 * ended and no tenant of it can come back. The moves stay: further runs ask where tenants live, and
 * clean-ups what was moved. Their evidence stays with them.
 */
import type { Control } from '../database.ts'
import { canBeAudited, endText } from '../due-moves.ts'

type At = Pick<Control, 'pool'>

/** null: events are kept. */
export async function retentionMs({ pool }: At): Promise<number | null> {
  const query = 'select keep_events_ms::float8 as ms from rehome_control.installation'
  return (await pool.query(query)).rows[0].ms
}

export async function setRetention({ pool }: At, ms: number | null): Promise<void> {
  await pool.query('update rehome_control.installation set keep_events_ms = $1', [ms])
}

/** When the last errand of the run `r` ended, or its last move was skipped. */
const lastEnd = `coalesce((select m.updated_at from rehome_control.moves m
  where m.run_id = r.id and not m.open order by m.updated_at desc limit 1), r.created_at)`

/** Events of errands that ended later than this are there, or events of further tenants. */
const hasEvents = `(r.events_gone_until is null or r.events_gone_after is not null
  or r.events_gone_until < ${lastEnd})`

/** Condition of runs `r` that ended `keepMs` ago, for good, as did their rollback windows. */
function isOver(keepMs: string): string {
  const since = `statement_timestamp() - ${keepMs} * interval '1 ms'`
  return `${hasEvents}
    and not exists (select from rehome_control.moves m where m.run_id = r.id and m.open)
    and ${lastEnd} < ${since}
    and not exists (select from rehome_control.moves m
      where ${canBeAudited} and m.run_id = r.id and m.window_until > ${since}
        and ${endText('m.window_until')} >= ${endText(`(${since})`)})`
}

/** Runs whose events would be removed, or the rest of them, if they were kept for so long. */
export async function runsToForget({ pool }: At, keepMs: number): Promise<string[]> {
  const query = `select r.id from rehome_control.runs r where ${isOver('$1::float8')}
    order by r.created_at, r.id`
  const { rows } = await pool.query<{ id: string }>(query, [keepMs])
  return rows.map(({ id }) => id)
}

/** Moves whose events go with one statement. */
const pageSize = 1_000

/**
 * Looks again whether the run is over: a list of runs may be old. Keeps how far it is, and begins
 * anew if an errand has ended meanwhile.
 */
const forgetText = `
  with run as materialized (
    select r.id, ${lastEnd} as last_end, case when r.events_gone_until < ${lastEnd} then ''
      else coalesce(r.events_gone_after, '') end as after
    from rehome_control.runs r
    where r.id = $1 and ${isOver('(select keep_events_ms from rehome_control.installation)')}
    for update of r skip locked
  ), page as materialized (
    select m.id, m.tenant_id from rehome_control.moves m
    where m.run_id = $1 and m.tenant_id > (select after from run)
    order by m.tenant_id limit ${pageSize}
  ), gone as (
    delete from rehome_control.events e using page where e.move_id = page.id returning 1
  ), kept as (
    update rehome_control.runs r set
      events_gone_after = case when (select count(*) from page) = ${pageSize}
        then (select max(tenant_id) from page) end,
      events_gone_until = run.last_end
    from run where r.id = run.id returning r.id, r.events_gone_after is not null as more
  ), told as (
    insert into rehome_control.run_events (run_id, kind, by)
    select id, 'forgotten', 'the retention' from kept where not more
  )
  select more, (select count(*)::int from gone) as events from kept`

export interface Forgotten {
  readonly events: number
  /** There are more to be removed. */
  readonly more: boolean
}

/** Removes events of the run's next 1,000 tenants, if the run is over by the stored retention. */
export async function forgetSome({ pool }: At, runId: string): Promise<Forgotten> {
  const { rows } = await pool.query<Forgotten>(forgetText, [runId])
  return rows[0] ?? { events: 0, more: false }
}

/** For how long one look removes events: the next look goes on. */
const lookMs = 2_000

/** Removes events that are kept no longer, for two seconds at most. */
export async function forgetEvents(at: At): Promise<Forgotten> {
  const keepMs = await retentionMs(at)
  if (keepMs === null) return { events: 0, more: false }
  const runIds = await runsToForget(at, keepMs)
  const deadline = performance.now() + lookMs
  let events = 0
  for (const id of runIds) {
    for (let more = true; more; ) {
      if (performance.now() > deadline) return { events, more: true }
      const gone = await forgetSome(at, id)
      events += gone.events
      more = gone.more
    }
  }
  return { events, more: false }
}

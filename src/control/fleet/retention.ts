/**
 * How long events are kept. Events of a run are removed some time after all of its errands have
 * ended and no tenant of it can come back. The moves stay: further runs ask where tenants live, and
 * clean-ups what was moved. Their evidence stays with them.
 */
import type { Control } from '../database.ts'

type At = Pick<Control, 'pool'>

/** null: events are kept. */
export async function retentionMs({ pool }: At): Promise<number | null> {
  const query = 'select keep_events_ms::float8 as ms from rehome_control.installation'
  return (await pool.query(query)).rows[0].ms
}

export async function setRetention({ pool }: At, ms: number | null): Promise<void> {
  await pool.query('update rehome_control.installation set keep_events_ms = $1', [ms])
}

/** Condition of runs that have ended for `$1` ms, for good. In statements on `runs r`. */
const isOver = `r.events_gone_at is null
  and not exists (select from rehome_control.moves m where m.run_id = r.id and m.open)
  and coalesce((select m.settled_at from rehome_control.moves m
      where m.run_id = r.id and m.settled_at is not null order by m.settled_at desc limit 1),
    r.created_at) < clock_timestamp() - $1 * interval '1 ms'
  and not exists (select from rehome_control.moves m
    where m.run_id = r.id and m.phase = 'moved' and m.window_until > clock_timestamp())`

/** Runs whose events would be removed, or the rest of them, if they were kept for so long. */
export async function runsToForget({ pool }: At, keepMs: number): Promise<string[]> {
  const query = `select r.id from rehome_control.runs r where ${isOver} order by r.created_at, r.id`
  const { rows } = await pool.query<{ id: string }>(query, [keepMs])
  return rows.map(({ id }) => id)
}

/** Moves whose events go with one statement. */
const pageSize = 1_000

/** Keeps how far it is: the next statement goes on there, also in another worker. */
const forgetText = `
  with run as materialized (
    select id, coalesce(events_gone_after, '') as after from rehome_control.runs
    where id = $1 and events_gone_at is null for update skip locked
  ), page as materialized (
    select m.id, m.tenant_id from rehome_control.moves m
    where m.run_id = $1 and m.tenant_id > (select after from run)
    order by m.tenant_id limit ${pageSize}
  ), gone as (
    delete from rehome_control.events e using page where e.move_id = page.id returning 1
  ), kept as (
    update rehome_control.runs r set
      events_gone_after = (select max(tenant_id) from page),
      events_gone_at = case when (select count(*) from page) < ${pageSize} then clock_timestamp() end
    from run where r.id = run.id returning r.id, r.events_gone_at
  ), told as (
    insert into rehome_control.run_events (run_id, kind, by)
    select id, 'forgotten', 'the retention' from kept where events_gone_at is not null
  )
  select events_gone_at is null as more, (select count(*)::int from gone) as events from kept`

export interface Forgotten {
  readonly events: number
  /** There are more of the run. */
  readonly more: boolean
}

/** Removes events of the run's next 1,000 tenants. */
export async function forgetSome({ pool }: At, runId: string): Promise<Forgotten> {
  const { rows } = await pool.query<Forgotten>(forgetText, [runId])
  return rows[0] ?? { events: 0, more: false }
}

/** For how long one look removes events: the next look goes on. */
const lookMs = 2_000

/** Removes events that are kept no longer, for two seconds at most. Returns how many. */
export async function forgetEvents(at: At): Promise<number> {
  const keepMs = await retentionMs(at)
  if (keepMs === null) return 0
  const deadline = performance.now() + lookMs
  let events = 0
  for (const id of await runsToForget(at, keepMs)) {
    for (let more = true; more; ) {
      if (performance.now() > deadline) return events
      const gone = await forgetSome(at, id)
      events += gone.events
      more = gone.more
    }
  }
  return events
}

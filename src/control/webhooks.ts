/**
 * Named queries on the outbox of webhooks. Triggers write most messages, in the transactions that
 * they are about; see migrations/control/002_webhooks.sql.
 */
import type { Control } from './database.ts'

type Db = Pick<Control, 'pool'>

export interface WebhookMessage {
  readonly id: string
  readonly key: string
  readonly type: string
  readonly at: Date
  /** A failure after this one is the last. */
  readonly giveUpAt: Date
  readonly data: Record<string, unknown>
  readonly attempts: number
  readonly runId: string
  readonly planName: string
  readonly source: string
  readonly target: string
  readonly createdBy: string
}

/** From now on messages are written. */
export async function writeWebhooks({ pool }: Db): Promise<void> {
  const query = `update rehome_control.installation
    set webhooks = true, windows_told_until = clock_timestamp() where not webhooks`
  await pool.query(query)
}

/** Writes none from now on, until a worker with a receiver starts. Those that wait stay. */
export async function stopWritingWebhooks({ pool }: Db): Promise<void> {
  await pool.query('update rehome_control.installation set webhooks = false where webhooks')
  await pool.query('delete from rehome_control.webhook_runs')
}

/** Tells that a run waits for a person: once for each time that its wave has ended. */
export async function tellWaiting(
  { pool }: Db,
  runId: string,
  data: { readonly wave: number; readonly reason: string },
): Promise<void> {
  const type = 'run.waiting_for_approval'
  const query = `select rehome_control.tell_webhooks(
      $2 || '/' || id || '/' || wave || '/' || wave_ended_at, id, $2, $4)
    from rehome_control.runs where id = $1 and wave = $3 and wave_ended_at is not null`
  await pool.query(query, [runId, type, data.wave, JSON.stringify(data)])
}

/** An audit that is under way comes again and again; it is no reason why a run is not over. */
const finished = `
  with candidates as (select run_id from rehome_control.webhook_runs for update skip locked),
  ended as (delete from rehome_control.webhook_runs w using candidates c
    where w.run_id = c.run_id and not exists (select from rehome_control.moves m
      where m.run_id = w.run_id and m.open and m.errand <> 'audit')
    returning w.run_id)
  insert into rehome_control.webhook_messages (about, run_id, type, data)
  select 'run.finished/' || e.run_id || '/' || pg_catalog.txid_current(), e.run_id, 'run.finished',
    (select pg_catalog.jsonb_build_object('phases', pg_catalog.jsonb_object_agg(phase, moves))
      from (select phase, count(*) as moves from rehome_control.moves m
        where m.run_id = e.run_id group by 1) p)
  from ended e`

/** Windows that ended since the last look: a message a run, with its first hundred tenants. */
const windows = `
  with border as (select windows_told_until as before, clock_timestamp() as now
    from rehome_control.installation where webhooks for update skip locked),
  told as (update rehome_control.installation i set windows_told_until = b.now from border b
    returning b.before, b.now)
  insert into rehome_control.webhook_messages (about, run_id, type, data)
  select 'run.windows_ended/' || m.run_id || '/' || t.now, m.run_id, 'run.windows_ended',
    pg_catalog.jsonb_build_object('tenants', count(*),
      'first', (pg_catalog.array_agg(m.tenant_id order by m.window_until, m.tenant_id))[1:100])
  from told t join rehome_control.moves m
    on m.window_until > t.before and m.window_until <= t.now and m.phase in ('moved', 'audit')
  group by m.run_id, t.now`

/** Writes messages about what no transaction stores: the end of runs, and of rollback windows. */
export async function lookForEnds({ pool }: Db): Promise<void> {
  await pool.query(finished)
  await pool.query(windows)
}

/** No other worker sends a message for so long after it was claimed, in s. */
const claimS = 60

/** One entry of the index is read. */
const firstBehind = (run: string) => `select run_id, id, due_at
  from rehome_control.webhook_messages where ended_at is null and run_id > ${run}
  order by run_id, id limit 1`

/** Goes from run to run: however many messages a run has that wait, it costs as much as one. */
export const claimText = `
  with recursive oldest as (
    (${firstBehind("''")})
    union all
    select n.* from oldest o cross join lateral (${firstBehind('o.run_id')}) n
  ),
  due as (select id from oldest where due_at <= clock_timestamp() order by id limit $1)
  update rehome_control.webhook_messages m
  set attempts = m.attempts + 1, due_at = clock_timestamp() + ${claimS} * interval '1 s',
    claimed_until = clock_timestamp() + ${claimS} * interval '1 s'
  from due d, rehome_control.runs r
  where m.id = d.id and r.id = m.run_id and m.ended_at is null and m.due_at <= clock_timestamp()
  returning m.id::text, m.key::text, m.type, m.at, m.give_up_at as "giveUpAt", m.data, m.attempts,
    m.run_id as "runId", r.plan_name as "planName", r.source, r.target, r.created_by as "createdBy"`

/** Claims messages that are due: of each run the oldest that has not ended. */
export async function claimWebhooks({ pool }: Db, most: number): Promise<WebhookMessage[]> {
  return (await pool.query(claimText, [most])).rows
}

export async function endWebhook(
  { pool }: Db,
  id: string,
  { outcome, error = null }: { outcome: 'delivered' | 'given up'; error?: string | null },
): Promise<void> {
  const query = `update rehome_control.webhook_messages
    set outcome = $2, ended_at = clock_timestamp(), last_error = $3, claimed_until = null
    where id = $1 and ended_at is null`
  await pool.query(query, [id, outcome, error])
}

export async function postponeWebhook(
  { pool }: Db,
  id: string,
  { waitMs, error }: { waitMs: number; error: string },
): Promise<void> {
  const query = `update rehome_control.webhook_messages
    set due_at = clock_timestamp() + $2 * interval '1 ms', last_error = $3, claimed_until = null
    where id = $1 and ended_at is null`
  await pool.query(query, [id, waitMs, error])
}

/** Messages are kept for 30 days after they have ended, or were written and still wait. */
export async function forgetWebhooks({ pool }: Db): Promise<void> {
  const query = `delete from rehome_control.webhook_messages
    where ended_at < clock_timestamp() - interval '30 days'
      or ended_at is null and give_up_at < clock_timestamp() - interval '27 days'`
  await pool.query(query)
}

export interface WebhookState {
  /** Whether messages are written. */
  readonly writing: boolean
  readonly waiting: number
  readonly givenUp: number
  readonly delivered: number
  /** Age of the oldest message that waits, in s. */
  readonly oldestS: number | null
  readonly lastError: string | null
}

export async function webhookState({ pool }: Db): Promise<WebhookState> {
  const query = `select (select webhooks from rehome_control.installation) as writing,
      count(*) filter (where ended_at is null)::int as waiting,
      count(*) filter (where outcome = 'given up')::int as "givenUp",
      count(*) filter (where outcome = 'delivered')::int as delivered,
      extract(epoch from clock_timestamp() - min(at) filter (where ended_at is null))::int as "oldestS",
      (array_agg(last_error order by id) filter (where ended_at is null and last_error is not null))[1]
        as "lastError"
    from rehome_control.webhook_messages`
  return (await pool.query(query)).rows[0]
}

/**
 * Sends those once more that were given up, and all that wait at once; they are tried for as long
 * as new ones. One that a worker sends just now is left to it. Returns how many.
 */
export async function resendWebhooks({ pool }: Db): Promise<number> {
  const query = `update rehome_control.webhook_messages
    set outcome = null, ended_at = null, due_at = clock_timestamp(), attempts = 0,
      give_up_at = clock_timestamp() + interval '3 days'
    where outcome = 'given up' or ended_at is null
      and (claimed_until is null or claimed_until < clock_timestamp())`
  return (await pool.query(query)).rowCount ?? 0
}

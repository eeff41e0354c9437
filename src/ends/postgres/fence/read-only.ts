/**
 * The whole application made read-only by a person, in one database: a fence of `*`, which
 * every guard of the scope looks for. It belongs to no move, so no worker renews or lowers it. It
 * ends when its time is over, or when a person ends it.
 */
import { RehomeError } from '../../../errors.ts'
import type { Pool } from '../../../postgres.ts'
import { wholeApplication } from '../../flags.ts'

export interface ReadOnly {
  readonly reason: string
  readonly retryAfterS: number
  readonly since: Date
  /** null: until a person ends it. */
  readonly until: Date | null
}

const columns = `reason, retry_after_s as "retryAfterS", raised_at as since,
  nullif(expires_at, 'infinity') as until`

/** null: writes are let in. */
export async function readOnlyOf(pool: Pool, scope: string): Promise<ReadOnly | null> {
  const query = `select ${columns} from rehome.tenant_flags
    where scope = $1 and tenant_id = $2 and expires_at > clock_timestamp()`
  return (await pool.query(query, [scope, wholeApplication])).rows[0] ?? null
}

export interface StartReadOnly extends Pick<ReadOnly, 'reason' | 'retryAfterS'> {
  readonly scope: string
  /** null: until a person ends it. */
  readonly forMs: number | null
}

/**
 * Writes that begin after it are refused; `drain` waits for those that have begun. Where it is
 * read-only already, the new reason and time hold.
 */
export async function startReadOnly(pool: Pool, start: StartReadOnly): Promise<ReadOnly> {
  const query = `
    insert into rehome.tenant_flags as f
      (scope, tenant_id, mode, token, epoch, move_id, reason, retry_after_s, expires_at)
    values ($1, $2, 'read_only', gen_random_uuid(), gen_random_uuid(), $3, $4, $5,
      coalesce(clock_timestamp() + $6 * interval '1 ms', 'infinity'))
    on conflict (scope, tenant_id) do update set
      raised_at = case when f.expires_at > clock_timestamp() then f.raised_at
        else clock_timestamp() end,
      reason = excluded.reason, retry_after_s = excluded.retry_after_s,
      expires_at = excluded.expires_at, token = excluded.token
    returning ${columns}`
  const { scope, reason, retryAfterS, forMs } = start
  const values = [scope, wholeApplication, nobodysMove, reason, retryAfterS, forMs]
  return (await pool.query(query, values)).rows[0]
}

const nobodysMove = '00000000-0000-0000-0000-000000000000'

/** false: it was not read-only. */
export async function endReadOnly(pool: Pool, scope: string): Promise<boolean> {
  const query = 'delete from rehome.tenant_flags where scope = $1 and tenant_id = $2'
  return (await pool.query(query, [scope, wholeApplication])).rowCount === 1
}

const ofScope = `(select convert_to($1, 'UTF8') || '\\x00'::bytea) s (scope)
  where t.tgfoid in ('rehome.refuse_truncate()'::regprocedure, 'rehome.guard_tenant()'::regprocedure)
    and substring(t.tgargs for length(s.scope)) = s.scope`

/** A table whose guard comes and goes, and is not there now. null: there is none. */
export async function missingGuardOf(pool: Pool, scope: string): Promise<string | null> {
  const query = `select n.relation from rehome.passing_tables n
    where n.scope = $1 and to_regclass(n.relation) is not null
      and not exists (select from pg_trigger t, ${ofScope} and t.tgrelid = to_regclass(n.relation))
    order by n.relation limit 1`
  return (await pool.query<{ relation: string }>(query, [scope])).rows[0]?.relation ?? null
}

/** How many tables, and leaves of such, ask for flags of this scope. Throws NOT_INSTALLED. */
export async function guardedBy(pool: Pool, scope: string): Promise<number> {
  const installed = `select to_regprocedure('rehome.refuse_truncate()') is not null as there`
  if (!(await pool.query(installed)).rows[0].there) {
    throw new RehomeError('NOT_INSTALLED', 'there is no fence here: run `rehome init PLAN`')
  }
  const query = `select count(distinct t.tgrelid)::int as n from pg_trigger t, ${ofScope}`
  return (await pool.query(query, [scope])).rows[0].n
}

/**
 * Named queries for `rehome doctor`: the state of one end's server, and of what rehome keeps there.
 * They only read, take no lock that a writer waits for, and return at most a few rows of each kind.
 */
import type { Pool } from '../../postgres.ts'

/** Rows of each kind at most. */
const rowsMax = 200

export interface LongTransaction {
  readonly pid: number
  readonly user: string
  readonly application: string
  readonly ageS: number
}

/** Sessions that have written, or hold a snapshot, and have been idle in it for so long. */
export async function idleTransactions(pool: Pool, idleS: number): Promise<LongTransaction[]> {
  const query = `select pid, usename as user, application_name as application,
      extract(epoch from clock_timestamp() - xact_start)::int as "ageS"
    from pg_stat_activity
    where datname = current_database() and state like 'idle in transaction%' and pid <> pg_backend_pid()
      and state_change < clock_timestamp() - $1 * interval '1 s'
    order by xact_start limit ${rowsMax}`
  return (await pool.query(query, [idleS])).rows
}

export interface Prepared {
  readonly gid: string
  readonly owner: string
  readonly ageS: number
}

export async function preparedTransactions(pool: Pool, ageS: number): Promise<Prepared[]> {
  const query = `select gid, owner, extract(epoch from clock_timestamp() - prepared)::int as "ageS"
    from pg_prepared_xacts
    where database = current_database() and prepared < clock_timestamp() - $1 * interval '1 s'
    order by prepared limit ${rowsMax}`
  return (await pool.query(query, [ageS])).rows
}

export interface ServerState {
  /** How much of the queue of notifications is in use, 0 to 1. */
  readonly notifyUsed: number
  /** Connections that a limit of the database, the role or the server leaves to this role. */
  readonly connectionsMax: number
  readonly limitedBy: string
  /** The server's clock minus ours, in ms, and how long the answer took. */
  readonly clockAheadMs: number
  readonly roundTripMs: number
  /** `16.4`, and as a number, `160004`. */
  readonly version: string
  readonly versionNumber: number
}

export async function serverState(pool: Pool): Promise<ServerState> {
  const query = `select pg_notification_queue_usage() as "notifyUsed",
      extract(epoch from clock_timestamp())::float8 * 1000 as "nowMs", l.most, l.by,
      current_setting('server_version') as version,
      current_setting('server_version_num')::int as "versionNumber"
    from (
      select most, by from (
        select datconnlimit as most, format('database "%s"', datname) as by
          from pg_database where datname = current_database()
        union all select rolconnlimit, format('role "%s"', rolname)
          from pg_roles where rolname = current_user
        union all select current_setting('max_connections')::int
          - current_setting('superuser_reserved_connections')::int, 'the server'
      ) limits where most >= 0 order by most limit 1
    ) l`
  const began = Date.now()
  const { nowMs, most, by, ...state } = (await pool.query(query)).rows[0]
  const ended = Date.now()
  return {
    ...state,
    connectionsMax: most,
    limitedBy: by,
    clockAheadMs: Math.round(nowMs - (began + ended) / 2),
    roundTripMs: ended - began,
  }
}

export interface KeptRoom {
  readonly slots: readonly {
    readonly slot: string
    readonly isActive: boolean
    /** WAL that the server keeps for it. */
    readonly bytes: number
  }[]
  /** The logs of changes, with their indexes. */
  readonly logBytes: number
}

/** Room that the server keeps on its disk. It does not tell how much is left there. */
export async function keptRoom(pool: Pool): Promise<KeptRoom> {
  const query = `select
    (select coalesce(json_agg(json_build_object('slot', slot_name, 'isActive', active, 'bytes',
      pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::float8) order by slot_name), '[]')
      from pg_replication_slots where restart_lsn is not null) as slots,
    (select coalesce(sum(pg_total_relation_size(oid)), 0)::float8 from pg_class
      where relnamespace = to_regnamespace('rehome_log') and relkind = 'r') as "logBytes"`
  return (await pool.query(query)).rows[0]
}

export interface FlagState {
  readonly tenant: string
  readonly mode: 'capturing' | 'read_only' | 'receiving' | 'moved'
  readonly moveId: string
  readonly lapsedS: number | null
}

/** Flags of single tenants behind this one, in the order of their ids. */
export async function flagStates(pool: Pool, scope: string, after: string): Promise<FlagState[]> {
  const query = `select tenant_id as tenant, mode, move_id as "moveId",
      extract(epoch from clock_timestamp() - expires_at)::int as "lapsedS"
    from rehome.tenant_flags where scope = $1 and tenant_id <> '*' and tenant_id > $2
    order by tenant_id limit 1000`
  return (await pool.query(query, [scope, after])).rows
}

/** Which of these tenants the end has marked as moved away. */
export async function markedMoved(
  pool: Pool,
  scope: string,
  tenants: readonly string[],
): Promise<string[]> {
  const query = `select tenant_id as tenant from rehome.tenant_flags
    where scope = $1 and tenant_id = any($2) and mode = 'moved'`
  const { rows } = await pool.query(query, [scope, tenants])
  return rows.map((row: { tenant: string }) => row.tenant)
}

/** Tenants with rows in quarantine, and how many. */
export async function quarantinedRows(
  pool: Pool,
  scope: string,
): Promise<{ tenant: string; rows: number }[]> {
  const query = `select tenant_id as tenant, count(*)::int as rows from rehome.quarantine
    where scope = $1 group by 1 order by 1 limit ${rowsMax}`
  return (await pool.query(query, [scope])).rows
}

/** Logs of changes with entries of tenants that are not captured. */
export async function leftLogs(pool: Pool): Promise<string[]> {
  const logs = `select relname as name, format('%I.%I', 'rehome_log', relname) as relation from pg_class
    where relnamespace = to_regnamespace('rehome_log') and relkind = 'r' order by 1`
  const left: string[] = []
  for (const { name, relation } of (await pool.query(logs)).rows) {
    const query = `select exists (select from ${relation} l where not exists (
      select from rehome.tenant_flags f
      where f.tenant_id = l.rehome_tenant and f.mode in ('capturing', 'read_only'))) as left`
    if ((await pool.query(query)).rows[0].left) left.push(name)
  }
  return left
}

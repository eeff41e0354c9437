/**
 * Guards that stand only while runs need them (`guards: 'while moving'`): who needs them at an end,
 * and how they are taken away.
 *
 * No fence is raised without a guard. An attempt first enters its run at the end, then looks at the
 * triggers, and installs those that are missing. A removal locks the list of runs, and asks the
 * control database under that lock which of them are over. So an attempt that has entered its run
 * before has a move that is open by then, and the guards stay; and one that enters it later waits
 * for the removal's commit, and finds the guards gone. What a removal drops, it drops under the
 * same lock and one on the flags: none that guards enforce stands, nor is raised meanwhile.
 *
 * `moved` flags keep no guard: the run does, for as long after each move and rollback as the old
 * home is to refuse late writes.
 */
import { type Client, endsIfIdle, type Pool, sqlStateOf, withClient } from '../../../postgres.ts'
import type { SqlEnd } from '../../end.ts'
import { isPassing } from '../catalog/structure-queries.ts'
import { asOwner } from './install-guard.ts'

/** A run, and how long the end that a tenant of it has left refuses late writes. */
interface GuardedRun {
  readonly id: string
  readonly staysMs: number
}

/** Returns ids of those that may still need the guards. It is called while locks are held. */
type StillNeeded = (runs: readonly GuardedRun[]) => Promise<readonly string[]>

/** Enters the run, so that its end keeps its guards. Repeating it is harmless. */
export async function needGuards(pool: Pool, { id, staysMs }: GuardedRun): Promise<void> {
  const query = `insert into rehome.guarded_runs (run_id, stays_ms) values ($1, $2)
    on conflict do nothing`
  await pool.query(query, [id, staysMs])
}

/** No run is called so: a person has installed guards, and takes them away again. */
const keptByHand = 'kept by hand'

/** A table as a plan guards it. */
interface PassingTable {
  readonly scope: string
  /** Name with its schema, quoted. */
  readonly relation: string
}

const asRows = `from pg_catalog.json_to_recordset($1) t (scope text, relation text)`

/**
 * Keeps workers from taking the guards of these tables away, which may not be there yet. Repeating
 * it is harmless.
 */
export async function keepGuards(pool: Pool, tables: readonly PassingTable[]): Promise<void> {
  const query = `with noted as (
      insert into rehome.passing_tables (scope, relation)
      select distinct t.scope, to_regclass(t.relation)::text ${asRows}
      where to_regclass(t.relation) is not null on conflict do nothing)
    ${keepingText}`
  await pool.query(query, [JSON.stringify(tables)])
}

export const keepingText = `insert into rehome.guarded_runs (run_id) values ('${keptByHand}')
  on conflict do nothing`

/** false: no person keeps the guards, or none has kept those of one of these tables. */
export async function guardsAreKept(
  pool: Pool,
  tables: readonly PassingTable[] = [],
): Promise<boolean> {
  const query = `select exists (select from rehome.guarded_runs where run_id = $2)
    and not exists (select ${asRows} where not exists (select from rehome.passing_tables n
      where n.scope = t.scope and n.relation = to_regclass(t.relation)::text)) as kept`
  return (await pool.query(query, [JSON.stringify(tables), keptByHand])).rows[0].kept
}

export async function endKeeping(pool: Pool): Promise<void> {
  await pool.query('delete from rehome.guarded_runs where run_id = $1', [keptByHand])
}

interface PassingGuard {
  /** The table or partition, with its schema. */
  readonly relation: string
  readonly drops: readonly string[]
}

/** The guards that are to be taken away, by tables. Empty where there is no fence. */
export async function passingGuards(pool: Pool): Promise<PassingGuard[]> {
  const query = `
    select t.tgrelid::regclass::text as relation,
      array_agg(format('drop trigger if exists %I on %s', t.tgname, t.tgrelid::regclass)) as drops
    from pg_trigger t join pg_proc p on p.oid = t.tgfoid
    where p.pronamespace = to_regnamespace('rehome') and t.tgparentid = 0 and ${isPassing}
    group by t.tgrelid order by t.tgrelid`
  return (await pool.query<PassingGuard>(query)).rows
}

/** Why guards have to stay. A table in use is tried again at the next look. */
export interface Removal {
  readonly removed: readonly string[]
  /** Tables that were in use for too long. */
  readonly busy: readonly string[]
  /** Runs, and how many flags, that need the guards. */
  readonly runs: readonly string[]
  readonly flags: number
}

/**
 * Takes away the guards that no run needs, table by table: each is locked for an instant, with a
 * short `lock_timeout`, as its readers wait, too. A process that dies in between leaves some.
 */
export async function takeGuardsAway(pool: Pool, stillNeeded: StillNeeded): Promise<Removal> {
  const removed: string[] = []
  const busy: string[] = []
  for (const guard of await passingGuards(pool)) {
    const { relation } = guard
    try {
      const needed = await dropUnneeded(pool, guard, stillNeeded)
      if (needed.runs.length > 0 || needed.flags > 0) return { removed, busy, ...needed }
      removed.push(relation)
    } catch (error) {
      if (!['55P03', '40P01', '57014'].includes(sqlStateOf(error) ?? '')) throw error
      busy.push(relation)
    }
  }
  return { removed, busy, runs: [], flags: 0 }
}

/** Locks keep attempts from entering their runs, and flags from being raised, until the commit. */
const begin = `begin; ${endsIfIdle}; ${asOwner}; set local lock_timeout = '100ms';
  lock table rehome.guarded_runs in share row exclusive mode`

/** A fence of the whole application stays in the table when its time is over. */
const standing = `select count(*)::int as n from rehome.tenant_flags
  where mode <> 'moved' and not (tenant_id = '*' and expires_at <= clock_timestamp())`

const entries = `select run_id as id, stays_ms::float8 as "staysMs" from rehome.guarded_runs
  order by since, run_id`

type Need = Pick<Removal, 'runs' | 'flags'>

async function dropUnneeded(
  pool: Pool,
  { relation, drops }: PassingGuard,
  stillNeeded: StillNeeded,
): Promise<Need> {
  return await withClient(pool, async (client) => {
    await client.query(begin)
    const need = await needOf(client, stillNeeded)
    const isNeeded = need.runs.length > 0 || need.flags > 0
    if (!isNeeded) await client.query(noteTable, [relation])
    // One call: no reader of the table waits for the way between us and the server.
    const inOneCall = isNeeded ? [] : [`set local statement_timeout = '1s'`, ...drops]
    await client.query([...inOneCall, 'commit'].join(';\n'))
    return need
  })
}

/** Statement that notes a table in all scopes that its triggers name. */
const noteTable = `insert into rehome.passing_tables (scope, relation)
  select distinct convert_from(substring(t.tgargs for position('\\x00'::bytea in t.tgargs) - 1), 'UTF8'),
    t.tgrelid::regclass::text
  from pg_trigger t join pg_proc p on p.oid = t.tgfoid
  where t.tgrelid = to_regclass($1) and p.pronamespace = 'rehome'::regnamespace
    and p.proname in ('refuse_truncate', 'guard_tenant') and ${isPassing}
  on conflict do nothing`

/** Entries of runs that are over go with the commit. */
async function needOf(client: Client, stillNeeded: StillNeeded): Promise<Need> {
  const { rows: entered } = await client.query<GuardedRun>(entries)
  const others = entered.filter(({ id }) => id !== keptByHand)
  const needed = new Set(others.length > 0 ? await stillNeeded(others) : [])
  const over = others.flatMap(({ id }) => (needed.has(id) ? [] : id))
  if (over.length > 0) {
    await client.query('delete from rehome.guarded_runs where run_id = any ($1)', [over])
  }
  const runs = entered.flatMap(({ id }) => (over.includes(id) ? [] : id))
  if (runs.length > 0) return { runs, flags: 0 }
  await client.query('lock table rehome.tenant_flags in share row exclusive mode')
  return { runs, flags: (await client.query(standing)).rows[0].n }
}

/**
 * Moves with flags that the guards of these tables enforce: in a schema of one tenant, its own
 * flags alone.
 */
export async function movesFlaggedAt({ pool, tenant }: SqlEnd): Promise<string[]> {
  const query = `select distinct move_id from rehome.tenant_flags
    where mode <> 'moved' and tenant_id <> '*' and tenant_id = coalesce($1, tenant_id)`
  const { rows } = await pool.query<{ move_id: string }>(query, [tenant ?? null])
  return rows.map(({ move_id }) => move_id)
}

/** Whether the partition has its table's own trigger, as one has that was made after the guard. */
export async function inheritsGuard(
  pool: Pool,
  { relation, trigger }: { readonly relation: string; readonly trigger: string },
): Promise<boolean> {
  const query = `select exists (select from pg_trigger
    where tgrelid = to_regclass($1) and tgname = $2 and tgenabled = 'A') as stands`
  return (await pool.query(query, [relation, trigger])).rows[0].stands
}

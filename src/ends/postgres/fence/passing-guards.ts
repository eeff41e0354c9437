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
import { endsIfIdle, inTransactionOf, type Pool, sqlStateOf } from '../../../postgres.ts'
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

/** Keeps workers from taking the guards away. Repeating it is harmless. */
export const keepGuards = `insert into rehome.guarded_runs (run_id) values ('${keptByHand}')
  on conflict do nothing`

/** false: no person keeps the guards. */
export async function guardsAreKept(pool: Pool): Promise<boolean> {
  const query = 'select exists (select from rehome.guarded_runs where run_id = $1) as kept'
  return (await pool.query(query, [keptByHand])).rows[0].kept
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
  for (const { relation, drops } of await passingGuards(pool)) {
    try {
      const needed = await dropUnneeded(pool, drops, stillNeeded)
      if (needed.runs.length > 0 || needed.flags > 0) return { removed, busy, ...needed }
      removed.push(relation)
    } catch (error) {
      if (!['55P03', '40P01'].includes(sqlStateOf(error) ?? '')) throw error
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

async function dropUnneeded(
  pool: Pool,
  drops: readonly string[],
  stillNeeded: StillNeeded,
): Promise<Pick<Removal, 'runs' | 'flags'>> {
  return await inTransactionOf(pool, begin, async (client) => {
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
    const flags: number = (await client.query(standing)).rows[0].n
    if (flags === 0) await client.query(drops.join('; '))
    return { runs, flags }
  })
}

/** Installs a guard without keeping a table's writers waiting for long. */
import { sleep } from '../../../clock.ts'
import { RehomeError } from '../../../errors.ts'
import { endsIfIdle, type Pool, sqlStateOf, toRehomeError, withClient } from '../../../postgres.ts'
import { ident } from '../../../quote.ts'
import { guardTrouble } from './guard-probe.ts'
import type { Guarded } from './guard-sql.ts'

/**
 * Workers install and remove guards in the name of the role that has installed the fence, so that
 * functions and logs have one owner: their own role has to be a member of it. A statement.
 */
export const asOwner = `select pg_catalog.set_config('role', (
  select rolname from pg_roles r join pg_class c on c.relowner = r.oid
  where c.oid = 'rehome.tenant_flags'::regclass)::text, true)`

/**
 * Why our role may not install the guards of these tables, with what to do. null: it may, or there
 * is no fence yet.
 */
export async function installerTrouble(
  pool: Pool,
  tables: readonly string[],
): Promise<string | null> {
  const query = `
    select current_user::text as role, o.rolname::text as owner,
      pg_has_role(current_user, o.oid, 'MEMBER') as member,
      (select min(t.name) from unnest($1::text[]) t (name) join pg_class c on c.oid = t.name::regclass
       where not pg_has_role(o.oid, c.relowner, 'USAGE')) as other
    from pg_class f join pg_roles o on o.oid = f.relowner
    where f.oid = to_regclass('rehome.tenant_flags')`
  const [roles] = (await pool.query(query, [tables])).rows
  const byHand = 'run `rehome init PLAN --guards` before a run, with a role that may'
  if (roles?.member === false) {
    const { role, owner } = roles
    return `our role "${role}" may not install guards, as it is no member of "${owner}", which owns the fence: \`grant ${ident(owner)} to ${ident(role)}\`, or ${byHand}`
  }
  if (roles && roles.other !== null) {
    return `"${roles.owner}", which owns the fence, does not own ${roles.other}, and may not install its guard: let one role own both, or ${byHand}`
  }
  return null
}

export interface MissingGuard {
  readonly guarded: Guarded
  readonly statements: readonly string[]
}

/**
 * Installs a guard that works. Throws PREFLIGHT_FAILED where it would fail writes of its table.
 * `where` is the end, as the message names it.
 */
export async function installWorking(
  pool: Pool,
  { guarded, statements }: MissingGuard,
  where: string,
): Promise<void> {
  // Where it works for one of the schemas that are alike, it does for all of them.
  const trouble = guarded.like ? null : await guardTrouble(pool, guarded)
  if (trouble === null) return await installGuard(pool, statements, guarded.passing ? asOwner : '')
  const message = `${where} table "${guarded.table.name}": a guard would fail every write (${trouble}), so none was installed`
  throw new RehomeError('PREFLIGHT_FAILED', message)
}

/**
 * Creating a trigger takes SHARE ROW EXCLUSIVE: it waits for writers, and writers wait for it. So
 * the wait is short and repeated, rather than long, and a command that stands still lets go. All
 * is sent as one call: no writer waits for the way between us and the server.
 */
export async function installGuard(
  pool: Pool,
  statements: readonly string[],
  as = '',
): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await withClient(pool, async (client) => {
        await client.query(
          `begin; ${endsIfIdle}; ${as}; select pg_advisory_xact_lock(hashtext('rehome init'))`,
        )
        const inOneCall = [`set local lock_timeout = '300ms'`, ...statements, 'commit']
        await client.query(inOneCall.join(';\n'))
      })
    } catch (error) {
      const passing = ['55P03', '40P01'].includes(sqlStateOf(error) ?? '')
      if (!passing || tries >= 50) throw toRehomeError(error, 'installing a guard')
      await sleep(100 + Math.random() * 200)
    }
  }
}

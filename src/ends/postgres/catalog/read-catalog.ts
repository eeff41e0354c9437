/** Reads what a database has about one schema, in a few queries. Changes nothing. */
import type { ClientBase } from 'pg'
import { RehomeError } from '../../../errors.ts'
import type { Catalog } from '../../../plan/catalogs/catalog.ts'
import type { TablePlan } from '../../../plan/plan.ts'
import type { StreamPlan } from '../../../plan/stream.ts'
import {
  foreignAmong,
  type Pool,
  sqlStateOf,
  wantedSettings,
  withClient,
} from '../../../postgres.ts'
import { literal } from '../../../quote.ts'
import { prepareAnew } from '../../../sessions/prepared.ts'
import { hasRoom } from '../../../sessions/room.ts'
import { beginWriting } from '../fence/begin-writing.ts'
import { twoKeyLocks } from '../fence/two-key-locks.ts'
import type { Schemas } from '../search-path.ts'
import { computedTypes, queryColumns } from './expression-types.ts'
import { schemaStamp, stampsQuery, surroundingsStamp } from './schema-stamp.ts'
import { structureOf } from './structure.ts'

/**
 * The setting `n` as `pg_settings` has it, which makes texts of all of them first: with its unit a
 * time is another text.
 */
const rawSetting = `case n when 'lock_timeout'
  then (extract(epoch from current_setting(n)::interval) * 1000)::int8::text
  else current_setting(n, true) end`

const serverQuery = `
  select v.stamp, v.stamp || ${surroundingsStamp} as version, v."fenceStamp",
    (select c.system_identifier from pg_control_system() c) || ' ' || pg_postmaster_start_time() as server,
    current_user as role, current_setting('server_version_num')::int as "serverVersion",
    (select jsonb_object_agg(n, ${rawSetting}) from unnest($2::text[]) n
      where current_setting(n, true) is not null) as settings,
    pg_encoding_to_char(d.encoding) as encoding,
    (select c.system_identifier from pg_control_system() c) || '/' || d.oid as database,
    (select rolsuper from pg_roles where rolname = current_user) as superuser,
    has_database_privilege(d.oid, 'TEMPORARY') as "mayKeepTemporary",
    to_regnamespace(quote_ident($1)) is not null as "schemaExists",
    array(select case a.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(a.grantee)) end
      from pg_namespace n, aclexplode(n.nspacl) a where n.nspname = $1
        and a.privilege_type = 'CREATE' and a.grantee <> n.nspowner
        and a.grantee <> (select r.oid from pg_roles r where r.rolname = current_user)
      order by 1) as creators,
    exists (select from pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
      where p.oid = any (${literal(`{${twoKeyLocks.map((name) => `"${name}"`).join(',')}}`)}::regprocedure[]) and a.grantee = 0) as "anybodyLocks"
  from (${stampsQuery}) v, pg_database d where d.datname = current_database()`

/**
 * Changes with every change of the schema: a catalogue whose `stamp` is the same still holds. One
 * statement.
 */
export async function readStamp(pool: Pool, schema: string): Promise<string> {
  return (await pool.query(`select ${schemaStamp} as stamp`, [schema])).rows[0].stamp
}

/**
 * The catalogue of one end; its stamp is read first. `plans` name the computed columns whose types
 * are asked for.
 */
export async function readCatalog(
  pool: Pool,
  end: Schemas & { readonly writers?: Pool | undefined },
  plans: readonly (TablePlan | StreamPlan)[],
): Promise<Catalog> {
  const { schema } = end
  return await withClient(pool, async (client) => {
    const { rows } = await client.query(serverQuery, [schema, Object.keys(wantedSettings)])
    const server = rows[0]
    if (!server?.schemaExists) {
      throw new RehomeError('PREFLIGHT_FAILED', `schema "${schema}" does not exist`)
    }
    const { server: cluster, serverVersion, encoding, role, version } = server
    const key = { server: cluster, serverVersion, encoding, role, schema, version }
    noteStamp(pool, schema, server.stamp)
    const { tables, digestProbes, holdsMoney } = await structureOf(client, key)
    return {
      schema,
      serverVersion,
      encoding,
      database: server.database,
      stamp: server.stamp,
      fenceStamp: server.fenceStamp,
      exposure: { creators: server.creators, anybodyLocks: server.anybodyLocks },
      digestProbes,
      foreignSettings: foreignAmong(server.settings),
      moneyDigits: holdsMoney ? await moneyDigits(client) : undefined,
      mayReplicate: server.superuser || (await mayReplicate(client, end.writers)),
      mayKeepTemporary: server.mayKeepTemporary,
      computed: await computedTypes(client, end, plans),
      queries: await queryColumns(client, end, plans),
      tables,
    }
  })
}

/** The stamp of each schema that sessions of a pool have seen last. */
const stamps = new WeakMap<Pool, Map<string, string>>()

/** Statements that were prepared under another stamp of the schema are prepared anew. */
function noteStamp(pool: Pool, schema: string, stamp: string): void {
  const bySchema = stamps.get(pool) ?? new Map<string, string>()
  stamps.set(pool, bySchema)
  const before = bySchema.get(schema)
  if (before === stamp) return
  bySchema.set(schema, stamp)
  if (before !== undefined) prepareAnew(pool)
}

/** The digits of money in the locale that other sessions have: ours would have 2 everywhere. */
async function moneyDigits(client: ClientBase): Promise<number> {
  await client.query(`begin; select set_config('lc_monetary', s.reset_val, true)
    from pg_settings s where s.name = 'lc_monetary'`)
  const { rows } = await client.query(`select scale('0'::money::numeric) as digits`)
  await client.query('rollback')
  return rows[0].digits
}

/**
 * Whether our role may switch foreign keys and triggers off, asked by trying: managed services
 * permit it to roles that no catalogue names, and some of them by `set` alone.
 */
async function mayReplicate(reader: ClientBase, writers?: Pool): Promise<boolean> {
  // A session that switches forgets the plans of its statements.
  if (writers && hasRoom(writers)) {
    const asWriter = withClient(writers, (writer) => mayReplicate(writer))
    // The server may have no connection left for one more.
    return await asWriter.catch(() => mayReplicate(reader))
  }
  try {
    await reader.query(`${beginWriting({ replicate: true })}; rollback`)
    return true
  } catch (error) {
    if (sqlStateOf(error) !== '42501') throw error
    await reader.query('rollback')
    return false
  }
}

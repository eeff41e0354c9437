/** Reads what a database says about one schema, in a few queries. Changes nothing. */
import type { ClientBase, QueryResultRow } from 'pg'
import { RehomeError } from '../../../errors.ts'
import type { Catalog, CatalogTable } from '../../../plan/catalogs/catalog.ts'
import { consistsOf } from '../../../plan/catalogs/type-shape.ts'
import type { TablePlan } from '../../../plan/plan.ts'
import type { StreamPlan } from '../../../plan/stream.ts'
import { foreignSettings, type Pool, withClient } from '../../../postgres.ts'
import { ident, literal } from '../../../quote.ts'
import { digestProbes } from '../compare/row-digests.ts'
import { twoKeyLocks } from '../fence/two-key-locks.ts'
import type { Schemas } from '../search-path.ts'
import { dependentsOf, keySides, readDependents } from './dependents.ts'
import { computedTypes, queryColumns } from './expression-types.ts'
import { type KnownTypes, readTypes } from './read-types.ts'
import { schemaStamp } from './schema-stamp.ts'

/** Functions that take numbers, called by defaults and triggers; defaults that name one by text. */
const hiddenNumbers = `
  array(select 'a default calls ' || p.proname || '()' from pg_attrdef d
      join pg_depend e on e.classid = 'pg_attrdef'::regclass and e.objid = d.oid
        and e.refclassid = 'pg_proc'::regclass
      join pg_proc p on p.oid = e.refobjid and p.pronamespace <> 'pg_catalog'::regnamespace
      where d.adrelid = c.oid and p.prosrc ~* '\\mnextval\\M'
    union select 'a trigger calls ' || p.proname || '()' from pg_trigger t
      join pg_proc p on p.oid = t.tgfoid
      where t.tgrelid = c.oid and not t.tgisinternal and p.prosrc ~* '\\mnextval\\M'
    union select 'the default of "' || a.attname || '" names it by a text, or several'
      from pg_attrdef d join pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum
      where d.adrelid = c.oid and pg_get_expr(d.adbin, d.adrelid) ~ '\\mnextval\\M'
        and (select count(*) from pg_depend e join pg_class s on s.oid = e.refobjid
          and s.relkind = 'S' where e.classid = 'pg_attrdef'::regclass and e.objid = d.oid
          and e.refclassid = 'pg_class'::regclass) <> 1
    order by 1)`

const tablesQuery = `
  select c.oid::int8::text as oid, c.relname as name,
    c.relrowsecurity and exists (select from pg_roles who where not (who.rolsuper or who.rolbypassrls)
      and (who.rolname = current_user or who.oid in (select p.proowner from pg_proc p
        where p.pronamespace = to_regnamespace('rehome') and p.prosecdef))
      and (c.relforcerowsecurity or not pg_has_role(who.oid, c.relowner, 'usage')))
      as "rowSecurity",
    array(select p from unnest(array['SELECT', 'INSERT', 'UPDATE', 'DELETE']) p
      where has_table_privilege(c.oid, p)) as privileges,
    exists (select from pg_subscription_rel s where s.srrelid = c.oid
      or s.srrelid in (select p.relid from pg_partition_tree(c.oid) p)) as subscribed,
    array(select t.relid::regclass::oid::int8::text from pg_partition_tree(c.oid) t
      where t.relid <> c.oid) as "partitionOids",
    array(select p.relname::text from pg_partition_tree(c.oid) t join pg_class p on p.oid = t.relid
      where t.relid <> c.oid and p.relnamespace = c.relnamespace and p.relkind <> 'f'
      order by p.oid) as partitions,
    array(select n.nspname || '.' || k.relname from pg_class k
      join pg_namespace n on n.oid = k.relnamespace
      where not k.relispartition and exists (select from pg_inherits i
          where (c.oid, k.oid) in ((i.inhparent, i.inhrelid), (i.inhrelid, i.inhparent)))
        or k.oid in (select t.relid from pg_partition_tree(c.oid) t)
          and (k.relnamespace <> c.relnamespace or k.relkind = 'f')
      order by 1) as unguardable,
    array(select distinct n.nspname || '.' || k.relname from pg_constraint f
      join pg_class k on k.oid = f.conrelid join pg_namespace n on n.oid = k.relnamespace
      where f.contype = 'f' and f.conparentid = 0 and k.relnamespace <> c.relnamespace
        and (f.confrelid = c.oid or f.confrelid in (select p.relid from pg_partition_tree(c.oid) p))
      order by 1) as "outerChildren",
    array(select a.attname::text from pg_partitioned_table p, unnest(p.partattrs) k
      join pg_attribute a on a.attrelid = c.oid and a.attnum = k where p.partrelid = c.oid)
      as "partitionColumns",
    ${hiddenNumbers} as "hiddenNumbers"
  from pg_class c
  where c.relnamespace = $1::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
  order by c.relname`

/** Whichever sequence a column's values come from; `plain`: these are its numbers as they are. */
const drawnFrom = `
  select f.name, b.typname in ('int2', 'int4', 'int8') and (f.made is null
    or f.made ~ '^\\(?nextval\\(''[^'']+''::regclass\\)\\)?(::[a-z]+)?$') as plain
  from (select coalesce(
      pg_get_serial_sequence(quote_ident(n.nspname) || '.' || quote_ident(c.relname), a.attname),
      (select quote_ident(sn.nspname) || '.' || quote_ident(s.relname) from pg_depend e
        join pg_class s on s.oid = e.refobjid and s.relkind = 'S'
        join pg_namespace sn on sn.oid = s.relnamespace
        where (e.classid = 'pg_attrdef'::regclass and e.objid = d.oid
          or d.oid is null and e.classid = 'pg_type'::regclass and e.objid = a.atttypid)
          and e.refclassid = 'pg_class'::regclass order by s.oid limit 1)) as name,
    coalesce(pg_get_expr(d.adbin, d.adrelid),
      (select o.typdefault from pg_type o where o.oid = a.atttypid and o.typtype = 'd')) as made) f`

const columnsQuery = `
  with recursive base (type, below) as (
    select oid, oid from pg_type where typtype <> 'd'
    union all
    select d.oid, b.below from pg_type d join base b on b.type = d.typbasetype
    where d.typtype = 'd')
  select a.attrelid::int8::text as oid, a.atttypid::int8::text as "typeOid", a.attname as name, case when tn.nspname <> 'pg_catalog' and exists (select from pg_type own where own.typname = b.typname
      and own.typnamespace = 'pg_catalog'::regnamespace) then '.' else '' end || b.typname as "typeName",
    quote_ident(tn.nspname) || '.' || quote_ident(b.typname) as "typeSql",
    format_type(a.atttypid, a.atttypmod) as "typeText", a.attnotnull as "notNull",
    coalesce((select collisdeterministic from pg_collation where oid = a.attcollation), true)
      as deterministic,
    (select quote_ident(s.nspname) || '.' || quote_ident(l.collname) from pg_collation l
      join pg_namespace s on s.oid = l.collnamespace
      where l.oid = a.attcollation and not l.collisdeterministic) as collation,
    a.atthasdef and a.attgenerated = '' as "hasDefault", a.attgenerated <> '' as generated,
    a.attgenerated = 'v' as virtual,
    a.attidentity <> '' as identity,
    case when q.plain then q.name end as sequence, case when not q.plain then q.name end as composes,
    (select s.seqincrement::float8 from pg_sequence s where s.seqrelid = to_regclass(q.name)) as step
  from pg_attribute a
  join pg_class c on c.oid = a.attrelid
  join pg_namespace n on n.oid = c.relnamespace
  join base on base.type = a.atttypid
  join pg_type b on b.oid = base.below
  join pg_namespace tn on tn.oid = b.typnamespace
  left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
  left join lateral (${drawnFrom}) q on true
  where c.relnamespace = $1::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
    and a.attnum > 0 and not a.attisdropped
  order by a.attrelid, a.attnum`

const uniquesQuery = `
  select i.indrelid::int8::text as oid, x.relname as name, i.indisprimary as primary,
    array(select a.attname::text from unnest(i.indkey[0:i.indnkeyatts - 1]) with ordinality k (n, o)
      join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.n order by k.o) as columns
  from pg_index i join pg_class c on c.oid = i.indrelid join pg_class x on x.oid = i.indexrelid
  where c.relnamespace = $1::regnamespace and not c.relispartition and i.indisunique
    and i.indpred is null and i.indexprs is null and i.indisvalid
  order by i.indrelid, i.indexrelid`

const foreignKeysQuery = `
  select k.conrelid::int8::text as oid, k.conname as name, p.relname as parent,
    n.nspname as "parentSchema", k.condeferrable as deferrable, p.relnamespace <> c.relnamespace as outside,
    ${keySides}
  from pg_constraint k join pg_class c on c.oid = k.conrelid join pg_class p on p.oid = k.confrelid
  join pg_namespace n on n.oid = p.relnamespace
  where c.relnamespace = $1::regnamespace and k.contype = 'f' and k.conparentid = 0
    and not c.relispartition and not p.relispartition
    and coalesce((to_jsonb(k) ->> 'conenforced')::boolean, true)
  order by k.conrelid, k.conname`

const triggersQuery = `
  select t.tgrelid::int8::text as oid, c.relname as relation, t.tgname as name,
    t.tgenabled = 'A' as always, n.nspname = 'rehome' as ours,
    case when n.nspname = 'rehome' and p.proname = 'guard_truncate'
      then 'rehome.guard_truncate of '
        || convert_from(substring(t.tgargs for length(t.tgargs) - 1), 'UTF8')
      else p.prosrc end as body
  from pg_trigger t
  join pg_class c on c.oid = t.tgrelid
  join pg_proc p on p.oid = t.tgfoid
  join pg_namespace n on n.oid = p.pronamespace
  where c.relnamespace = $1::regnamespace and not t.tgisinternal and t.tgparentid = 0
  order by t.tgrelid, t.tgname`

const serverQuery = `
  select ${schemaStamp} as stamp, current_setting('server_version_num')::int as "serverVersion",
    pg_encoding_to_char(d.encoding) as encoding,
    (select c.system_identifier from pg_control_system() c) || '/' || d.oid as database,
    (select rolsuper from pg_roles where rolname = current_user) as superuser,
    to_regnamespace(quote_ident($1)) is not null as "schemaExists",
    array(select case a.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(a.grantee)) end
      from pg_namespace n, aclexplode(n.nspacl) a where n.nspname = $1
        and a.privilege_type = 'CREATE' and a.grantee <> n.nspowner
        and a.grantee <> (select r.oid from pg_roles r where r.rolname = current_user)
      order by 1) as creators,
    exists (select from pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
      where p.oid = any (${literal(`{${twoKeyLocks.map((name) => `"${name}"`).join(',')}}`)}::regprocedure[]) and a.grantee = 0) as "anybodyLocks"
  from pg_database d where d.datname = current_database()`

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
  end: Schemas,
  plans: readonly (TablePlan | StreamPlan)[],
): Promise<Catalog> {
  const { schema } = end
  return await withClient(pool, async (client) => {
    const [server] = await rowsOf(client, serverQuery, schema)
    if (!server?.schemaExists) {
      throw new RehomeError('PREFLIGHT_FAILED', `schema "${schema}" does not exist`)
    }
    const name = ident(schema)
    const tables = await rowsOf(client, tablesQuery, name)
    const columns = await rowsOf(client, columnsQuery, name)
    const uniques = await rowsOf(client, uniquesQuery, name)
    const foreignKeys = await rowsOf(client, foreignKeysQuery, name)
    const triggers = await rowsOf(client, triggersQuery, name)
    const types = await readTypes(client, name)
    const dependents = await readDependents(client, name)
    const of = (rows: QueryResultRow[], oids: string[]) =>
      rows.filter((row) => oids.includes(row.oid))
    return {
      schema,
      serverVersion: server.serverVersion,
      encoding: server.encoding,
      database: server.database,
      stamp: server.stamp,
      exposure: { creators: server.creators, anybodyLocks: server.anybodyLocks },
      digestProbes: await digestProbesOf(client, server.serverVersion),
      foreignSettings: await foreignSettings(client),
      moneyDigits: holdsMoney(columns, types) ? await moneyDigits(client) : undefined,
      mayReplicate: server.superuser || (await mayReplicate(client, server.serverVersion)),
      computed: await computedTypes(client, end, plans),
      queries: await queryColumns(client, end, plans),
      tables: new Map(
        tables.map((row) => {
          const { oid, partitionOids, ...rest } = row
          const parts = {
            columns: of(columns, [oid]).map((column) => withType(column, types)),
            uniques: of(uniques, [oid]),
            foreignKeys: of(foreignKeys, [oid]).filter((key) => !key.outside),
            outerKeys: of(foreignKeys, [oid]).filter((key) => key.outside),
            triggers: of(triggers, [oid, ...partitionOids]),
            ...dependentsOf(dependents, oid),
          }
          // The queries above name their columns after the fields of the type.
          return [row.name, { ...rest, ...parts } as unknown as CatalogTable]
        }),
      ),
    }
  })
}

/** Oids differ from database to database: what the type is stands there instead. */
function withType({ typeOid, ...column }: QueryResultRow, types: KnownTypes): QueryResultRow {
  const { operators = null, shape } = types.get(typeOid) ?? {}
  return { ...column, operators, shape }
}

function holdsMoney(columns: readonly QueryResultRow[], types: KnownTypes): boolean {
  return columns.some(({ typeOid }) => {
    const shape = types.get(typeOid)?.shape
    return shape !== undefined && consistsOf(shape, 'money')
  })
}

/** The digits of money in the locale that other sessions have: ours would say 2 everywhere. */
async function moneyDigits(client: ClientBase): Promise<number> {
  await client.query(`begin; select set_config('lc_monetary', s.reset_val, true)
    from pg_settings s where s.name = 'lc_monetary'`)
  const { rows } = await client.query(`select scale('0'::money::numeric) as digits`)
  await client.query('rollback')
  return rows[0].digits
}

/** In one query: the schema is read again while writers wait. */
async function digestProbesOf(client: ClientBase, version: number) {
  const probes = Object.entries(digestProbes).filter(([, { since }]) => version >= since)
  const list = probes.map(([name, { sql }]) => `${sql} as ${ident(name)}`)
  const [found] = (await client.query(`select ${list.join(', ')}`)).rows
  return found as Record<string, string>
}

async function rowsOf(
  client: ClientBase,
  query: string,
  schema: string,
): Promise<QueryResultRow[]> {
  const result = await client.query(query, [schema])
  return result.rows
}

async function mayReplicate(client: ClientBase, serverVersion: number): Promise<boolean> {
  if (serverVersion < 150000) return false
  const query = `select has_parameter_privilege('session_replication_role', 'SET') as may`
  return (await client.query(query)).rows[0].may
}

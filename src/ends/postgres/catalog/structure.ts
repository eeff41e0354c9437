/**
 * Reads the tables of one schema as its database's catalogue describes them, and remembers them:
 * they are the same for every tenant, and reading them costs more than moving a small one. Changes
 * nothing.
 */
import type { ClientBase, QueryResultRow } from 'pg'
import type { Catalog, CatalogTable } from '../../../plan/catalogs/catalog.ts'
import { consistsOf } from '../../../plan/catalogs/type-shape.ts'
import { ident } from '../../../quote.ts'
import { digestProbes } from '../compare/row-digests.ts'
import { dependentsOf, keySides, readDependents } from './dependents.ts'
import { readDemands } from './read-demands.ts'
import { type KnownTypes, readTypes } from './read-types.ts'
import { schemaStamp, surroundingsStamp } from './schema-stamp.ts'

/** A function whose body calls nextval; one of SQL's own form (BEGIN ATOMIC) has no text. */
const takesNumbers = `(p.prosrc ~* '\\mnextval\\M'
  or (to_jsonb(p) ->> 'prosqlbody') ~ (':funcid ' || 'nextval(regclass)'::regprocedure::oid || '\\M'))`

/** Functions that take numbers, called by defaults and triggers; defaults that name one by text. */
const hiddenNumbers = `
  array(select 'a default calls ' || p.proname || '()' from pg_attribute a
      left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
      join pg_depend e on e.objid = coalesce(d.oid, a.atttypid)
        and e.classid = case when d.oid is null then 'pg_type' else 'pg_attrdef' end::regclass
        and e.refclassid = 'pg_proc'::regclass
      join pg_proc p on p.oid = e.refobjid and p.pronamespace <> 'pg_catalog'::regnamespace
      where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and ${takesNumbers}
    union select 'a trigger calls ' || p.proname || '()' from pg_trigger t
      join pg_proc p on p.oid = t.tgfoid
      where t.tgrelid = c.oid and not t.tgisinternal and ${takesNumbers}
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
    (select s.seqincrement::float8 from pg_sequence s join pg_class o on o.oid = s.seqrelid
      join pg_namespace m on m.oid = o.relnamespace
      where (m.nspname, o.relname) = ((parse_ident(q.name))[1], (parse_ident(q.name))[2])) as step
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
    not i.indimmediate as deferrable,
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
    case when n.nspname = 'rehome' and p.proname in ('refuse_truncate', 'guard_tenant')
      then 'rehome.' || p.proname || ' of ' || encode(t.tgargs, 'hex')
      else p.prosrc end as body
  from pg_trigger t
  join pg_class c on c.oid = t.tgrelid
  join pg_proc p on p.oid = t.tgfoid
  join pg_namespace n on n.oid = p.pronamespace
  where c.relnamespace = $1::regnamespace and not t.tgisinternal and t.tgparentid = 0
  order by t.tgrelid, t.tgname`

export interface Structure extends Pick<Catalog, 'digestProbes'> {
  readonly tables: ReadonlyMap<string, CatalogTable>
  readonly holdsMoney: boolean
}

/**
 * All that decides how a structure looks. The database is not part of it: a transaction changes one
 * database alone, so two databases of a running server whose catalogue rows come from the same
 * transactions are copies of each other.
 */
export interface StructureKey {
  /** The server since its start: a clone of it may have numbered other transactions alike. */
  readonly server: string
  readonly serverVersion: number
  readonly encoding: string
  readonly role: string
  readonly schema: string
  /** Changes with everything that is read here; see schema-stamp.ts. */
  readonly version: string
}

/** The tables of all structures together; the least recently used structures go first. */
const tablesMax = 5_000

const structures = new Map<string, Structure>()

/** The structure is shared by all callers, which may not change it. */
export async function structureOf(client: ClientBase, key: StructureKey): Promise<Structure> {
  const name = JSON.stringify(Object.entries(key))
  const remembered = structures.get(name)
  if (remembered) {
    structures.delete(name)
    structures.set(name, remembered)
    return remembered
  }
  const { isVersioned, ...structure } = await readStructure(client, key)
  // What was changed in between, and changed back, would be remembered as it was.
  const query = `select ${schemaStamp} || ${surroundingsStamp} as version`
  const { rows } = await client.query(query, [key.schema])
  if (isVersioned && rows[0].version === key.version) structures.set(name, structure)
  forget()
  return structure
}

function forget(): void {
  let tables = [...structures.values()].reduce((sum, one) => sum + one.tables.size, 0)
  for (const [name, one] of structures) {
    if (structures.size === 1 || tables <= tablesMax) return
    tables -= one.tables.size
    structures.delete(name)
  }
}

/** Reads the structure as the catalogue has it now, and remembers nothing. */
export async function readStructure(client: ClientBase, key: StructureKey) {
  const schema = ident(key.schema)
  const read = async (query: string): Promise<QueryResultRow[]> =>
    (await client.query(query, [schema])).rows
  const tables = await read(tablesQuery)
  const columns = await read(columnsQuery)
  const uniques = await read(uniquesQuery)
  const foreignKeys = await read(foreignKeysQuery)
  const triggers = await read(triggersQuery)
  const demands = await readDemands(client, schema)
  const types = await readTypes(client, schema)
  const dependents = await readDependents(client, schema)
  const [columnsOf, uniquesOf, demandsOf, keysOf, triggersOf] = [
    byOid(columns),
    byOid(uniques),
    byOid(demands),
    byOid(foreignKeys),
    byOid(triggers),
  ]
  const named = tables.map(({ oid, partitionOids, ...row }): [string, CatalogTable] => {
    const parts = {
      columns: columnsOf(oid).map((column) => withType(column, types)),
      uniques: uniquesOf(oid),
      demands: demandsOf(oid).map(({ oid: _, ...demand }) => demand),
      foreignKeys: keysOf(oid).filter((key) => !key.outside),
      outerKeys: keysOf(oid).filter((key) => key.outside),
      triggers: [oid, ...partitionOids].flatMap(triggersOf),
      ...dependentsOf(dependents, oid),
    }
    // The queries above name their columns after the fields of the type.
    return [row.name, { ...row, ...parts } as unknown as CatalogTable]
  })
  return {
    tables: new Map(named),
    digestProbes: await digestProbesOf(client, key.serverVersion),
    holdsMoney: holdsMoney(columns, types),
    isVersioned: [...types.values()].every(({ isRowType }) => !isRowType),
  }
}

/** There may be thousands of tables, with ten times as many columns. */
function byOid<Row extends { readonly oid?: string }>(
  rows: readonly Row[],
): (oid: string) => readonly Row[] {
  const grouped = new Map<string | undefined, Row[]>()
  for (const row of rows) {
    const own = grouped.get(row.oid)
    if (own) own.push(row)
    else grouped.set(row.oid, [row])
  }
  return (oid) => grouped.get(oid) ?? []
}

/** Oids differ from database to database: what the type is stands there instead. */
function withType({ typeOid, ...column }: QueryResultRow, types: KnownTypes): QueryResultRow {
  const { operators = null, shape, castsToJson } = types.get(typeOid) ?? {}
  return { ...column, operators, shape, ...(castsToJson && { castsToJson }) }
}

function holdsMoney(columns: readonly QueryResultRow[], types: KnownTypes): boolean {
  return columns.some(({ typeOid }) => {
    const shape = types.get(typeOid)?.shape
    return shape !== undefined && consistsOf(shape, 'money')
  })
}

async function digestProbesOf(
  client: ClientBase,
  version: number,
): Promise<Record<string, string>> {
  const probes = Object.entries(digestProbes).filter(([, { since }]) => version >= since)
  const list = probes.map(([name, { sql }]) => `${sql} as ${ident(name)}`)
  const [row] = (await client.query(`select ${list.join(', ')}`)).rows
  return row
}

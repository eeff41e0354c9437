/**
 * Dependents of a table's rows in the catalogue of the database: keys that refer
 * to it from anywhere, partitions included, and the application's triggers and rules. Reads only.
 */
import type { ClientBase } from 'pg'
import type { CatalogTable } from '../../../plan/catalogs/catalog.ts'

/** Columns of a key `k` and of its parent, and how they are compared. */
export const keySides = `
    array(select a.attname::text from unnest(k.conkey) with ordinality u (n, o)
      join pg_attribute a on a.attrelid = k.conrelid and a.attnum = u.n order by u.o) as columns,
    array(select a.attname::text from unnest(k.confkey) with ordinality u (n, o)
      join pg_attribute a on a.attrelid = k.confrelid and a.attnum = u.n order by u.o)
      as "parentColumns",
    array(select 'operator(' || quote_ident(s.nspname) || '.' || o.oprname || ')'
      from unnest(k.conpfeqop) with ordinality u (n, i) join pg_operator o on o.oid = u.n
      join pg_namespace s on s.oid = o.oprnamespace order by u.i) as equals,
    array(select case when a.attcollation not in (0, f.attcollation)
        then (select quote_ident(s.nspname) || '.' || quote_ident(l.collname) from pg_collation l
          join pg_namespace s on s.oid = l.collnamespace where l.oid = a.attcollation) end
      from unnest(k.conkey, k.confkey) with ordinality u (own, n, i)
      join pg_attribute f on f.attrelid = k.conrelid and f.attnum = u.own
      join pg_attribute a on a.attrelid = k.confrelid and a.attnum = u.n order by u.i) as collations,
    coalesce((to_jsonb(k) ->> 'conperiod')::boolean, false) as temporal`

function actionOf(letter: string): string {
  return `case ${letter} when 'a' then 'no action' when 'r' then 'restrict' when 'c' then 'cascade'
      when 'n' then 'set null' else 'set default' end`
}

/** A key between whole tables is declared once; what partitions inherit of it is not read. */
const referencesQuery = `
  select q.root::int8::text as oid, k.conname as name, n.nspname as schema, c.relname as relation,
    (select t.relname from pg_class t where t.oid = coalesce(pg_partition_root(c.oid), c.oid))
      as "table",
    (select t.relname from pg_class t where t.oid = q.root) as parent,
    p.relname as "parentRelation", pn.nspname as "parentSchema", k.condeferrable as deferrable,
    ${actionOf('k.confdeltype')} as "onDelete", ${actionOf('k.confupdtype')} as "onUpdate",
    has_table_privilege(c.oid, 'SELECT') and has_schema_privilege(n.oid, 'USAGE') as readable,
    ${keySides}
  from pg_constraint k
  join pg_class c on c.oid = k.conrelid join pg_namespace n on n.oid = c.relnamespace
  join pg_class p on p.oid = k.confrelid join pg_namespace pn on pn.oid = p.relnamespace
  cross join lateral (select coalesce(pg_partition_root(p.oid), p.oid)::oid as root) q
  where k.contype = 'f' and k.conparentid = 0
    and (select r.relnamespace from pg_class r where r.oid = q.root) = $1::regnamespace
    and coalesce((to_jsonb(k) ->> 'conenforced')::boolean, true)
  order by q.root, n.nspname, c.relname, k.conname`

const partitionKeysQuery = `
  select q.root::int8::text as oid, k.conname as name, c.relname as relation,
    k.condeferrable as deferrable, pn.nspname as "parentSchema",
    (select t.relname from pg_class t where t.oid = coalesce(pg_partition_root(p.oid), p.oid))
      as parent,
    p.relname as "parentRelation",
    ${keySides}
  from pg_constraint k join pg_class c on c.oid = k.conrelid join pg_class p on p.oid = k.confrelid
  join pg_namespace pn on pn.oid = p.relnamespace
  cross join lateral (select coalesce(pg_partition_root(c.oid), c.oid)::oid as root) q
  where k.contype = 'f' and k.conparentid = 0 and (c.relispartition or p.relispartition)
    and c.relnamespace = $1::regnamespace
    and coalesce((to_jsonb(k) ->> 'conenforced')::boolean, true)
  order by q.root, c.relname, k.conname`

/** A statement at a partitioned table runs none of its partitions' statement triggers and rules. */
const reactionsQuery = `
  select q.root::int8::text as oid, 'trigger' as kind, c.relname as relation, t.tgname as name,
    array_remove(array[case when t.tgtype & 4 > 0 then 'INSERT' end,
      case when t.tgtype & 16 > 0 then 'UPDATE' end,
      case when t.tgtype & 8 > 0 then 'DELETE' end], null) as events,
    case t.tgenabled when 'A' then 'always' when 'R' then 'replica' else 'origin' end as fires
  from pg_trigger t join pg_class c on c.oid = t.tgrelid join pg_proc f on f.oid = t.tgfoid
  cross join lateral (select coalesce(pg_partition_root(c.oid), c.oid)::oid as root) q
  where c.relnamespace = $1::regnamespace and not t.tgisinternal and t.tgenabled <> 'D'
    and t.tgtype & 28 > 0 and (t.tgtype & 1 = 1 or not c.relispartition)
    and f.pronamespace is distinct from to_regnamespace('rehome')
    and (t.tgparentid = 0 or t.tgenabled <> (select o.tgenabled from pg_trigger o where o.oid = t.tgparentid))
  union all
  select c.oid::int8::text, 'rule', c.relname, r.rulename,
    array[case r.ev_type when '2' then 'UPDATE' when '3' then 'INSERT' else 'DELETE' end],
    case r.ev_enabled when 'A' then 'always' when 'R' then 'replica' else 'origin' end
  from pg_rewrite r join pg_class c on c.oid = r.ev_class
  where c.relnamespace = $1::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
    and r.ev_type <> '1' and r.ev_enabled <> 'D'
  order by 1, 2, 3, 4`

type Depending = Pick<CatalogTable, 'references' | 'partitionKeys' | 'reactions'>

/** Those of all tables, each with the oid of its table. */
type Dependents = {
  readonly [Kind in keyof Depending]: readonly (Depending[Kind][number] & {
    readonly oid: string
  })[]
}

/** In one query, as the schema is read again while writers wait. `schema`: quoted. */
export async function readDependents(client: ClientBase, schema: string): Promise<Dependents> {
  const list = (query: string) =>
    `(select coalesce(jsonb_agg(to_jsonb(x)), '[]') from (${query}) x)`
  const query = `select ${list(referencesQuery)} as references,
    ${list(partitionKeysQuery)} as "partitionKeys", ${list(reactionsQuery)} as reactions`
  return (await client.query(query, [schema])).rows[0]
}

/** Those of one table, by its oid. */
export function dependentsOf(dependents: Dependents, table: string): Depending {
  const of = <Row extends { readonly oid: string }>(rows: readonly Row[]) =>
    rows.filter(({ oid }) => oid === table).map(({ oid, ...rest }) => rest)
  return {
    references: of(dependents.references),
    partitionKeys: of(dependents.partitionKeys),
    reactions: of(dependents.reactions),
  }
}

/**
 * Reads what the tables of a schema demand of each row: checks, types with checks, partitions,
 * unique and exclusion constraints. NOT NULL of a column stands with the column. Changes nothing.
 *
 * Expressions are the server's own text, which names everything outside of `pg_catalog` with its
 * schema. One that needs a function or an operator of the application is not portable: the other
 * end may have another one of that name.
 */
import type { ClientBase } from 'pg'
import type { Demand } from '../../../plan/catalogs/demand.ts'
import { partitionTree } from '../relations.ts'

/** A dependence of an object on a function or an operator that does not come with PostgreSQL. */
const dependsOnPeoples = (catalog: string, oid: string) => `
  exists (select from pg_depend e where e.classid = '${catalog}'::regclass and e.objid = ${oid}
    and e.refclassid in ('pg_proc'::regclass, 'pg_operator'::regclass) and e.refobjid >= 16384)`

/** A stored condition whose result for a row may change: by time, or by other rows. */
const isUnsteady = (condition: string) => `(${condition}::text ~ '\\{SQLVALUEFUNCTION'
  or exists (select from regexp_matches(${condition}::text, ':(?:op)?funcid (\\d+)', 'g') f
    join pg_proc p on p.oid = f[1]::oid where p.provolatile <> 'i'))`

/**
 * Tables of the schema, and the partitions below them: `root` has the rows. The constraint of a
 * partition is read under locks of it and then of its parent, and a session that drops the parent
 * takes them the other way round: where we wait for long, we give way before the server ends one.
 */
const relations = `
  select c.oid as root, c.oid as rel, c.relname as name, null as within from pg_class c
  where c.relnamespace = $1::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
  union all
  select c.oid, p.oid, p.relname, pg_get_partition_constraintdef(p.oid)
  from pg_class c, lateral ${partitionTree('c.oid')} t join pg_class p on p.oid = t.relid
  where c.relnamespace = $1::regnamespace and c.relkind = 'p' and not c.relispartition
    and t.relid <> c.oid
    and (select set_config('lock_timeout', '300', true)) is not null`

const columnsOf = (rel: string, numbers: string) => `
  array(select a.attname::text from pg_attribute a
    where a.attrelid = ${rel} and a.attnum = any (${numbers}) and a.attnum > 0 order by a.attnum)`

const ofTable = `r.root::int8::text as oid, r.name as relation, r.within`

/** Also NOT NULL of one partition alone. */
const checks = `
  select ${ofTable}, 'check' as kind, k.conname as name,
    k.convalidated and not ${isUnsteady('k.conbin')} as valid,
    pg_get_expr(k.conbin, k.conrelid) as sql, ${columnsOf('k.conrelid', 'k.conkey')} as columns,
    not ${dependsOnPeoples('pg_constraint', 'k.oid')} as portable
  from relations r join pg_constraint k on k.conrelid = r.rel and k.contype = 'c'
  where (r.within is null or k.coninhcount = 0)
    and coalesce((to_jsonb(k) ->> 'conenforced')::boolean, true)
  union all
  select ${ofTable}, 'check', 'NOT NULL of ' || quote_ident(a.attname), true,
    'pg_catalog.num_nulls(' || quote_ident(a.attname) || ') = 0', array[a.attname::text], true
  from relations r join pg_attribute a on a.attrelid = r.rel and a.attnum > 0 and a.attnotnull
    join pg_attribute p on p.attrelid = r.root and p.attname = a.attname and not p.attnotnull
  where r.within is not null`

/** A domain's own checks, those of the domains below it, and those of an array's elements. */
const domains = `
  select ${ofTable}, 'domain' as kind, coalesce(k.name, 'NOT NULL') || ' of ' || format_type(d.oid, null) as name,
    coalesce(k.valid, true) as valid, coalesce(k.sql, 'pg_catalog.num_nulls(value) = 0') as sql,
    array[a.attname::text] as columns, coalesce(d.oid = d.top, false) and coalesce(k.portable, true)
      as portable
  from relations r
  join pg_attribute a on a.attrelid = r.rel and a.attnum > 0 and not a.attisdropped
  join pg_type own on own.oid = a.atttypid
  cross join lateral (
    with recursive down (oid) as (
      select case when own.typtype = 'd' then own.oid else own.typelem end
      union all select case when t.typtype = 'd' then t.typbasetype else t.typelem end
      from down join pg_type t on t.oid = down.oid
      where t.typtype = 'd' and t.typbasetype <> 0 or t.typelem <> 0 and t.typtype = 'b')
    select t.oid, t.typnotnull, case when own.typtype = 'd' then t.oid end as top
    from down join pg_type t on t.oid = down.oid where t.typtype = 'd') d
  cross join lateral (
    select k.conname as name, k.convalidated and not ${isUnsteady('k.conbin')} as valid,
      pg_get_expr(k.conbin, 0) as sql,
      not ${dependsOnPeoples('pg_constraint', 'k.oid')} as portable
    from pg_constraint k where k.contypid = d.oid and k.contype = 'c'
    union all select null, null, null, null where d.typnotnull) k
  where r.within is null`

/** Rows that come to a partitioned relation and that none of its partitions takes. */
const partitions = `
  select ${ofTable}, 'partition' as kind, r.name as name, true as valid,
    coalesce((select string_agg('(' || pg_get_partition_constraintdef(i.inhrelid) || ')', ' or '
      order by pg_get_partition_constraintdef(i.inhrelid)) from pg_inherits i
      where i.inhparent = r.rel), 'false') as sql,
    ${columnsOf('r.rel', 'p.partattrs::int2[]')} as columns,
    p.partstrat <> 'h' and p.partexprs is null as portable
  from relations r join pg_partitioned_table p on p.partrelid = r.rel
  where p.partdefid = 0 and not (p.partstrat = 'h' and coalesce((select sum(1.0 / (regexp_match(
      pg_get_expr(c.relpartbound, c.oid), 'modulus (\\d+)'))[1]::numeric)
      from pg_inherits i join pg_class c on c.oid = i.inhrelid
      where i.inhparent = r.rel), 0) > 0.999999)`

/** Temporal keys are exclusions. Indexes of partitions that belong to the table's count once. */
const uniques = `
  select ${ofTable}, case when x.indisexclusion then 'exclusion' else 'unique' end as kind,
    i.relname as name, x.indisvalid as valid, pg_get_expr(x.indpred, x.indrelid) as sql,
    ${columnsOf(
      'x.indrelid',
      `x.indkey::int2[] || array(select e.refobjsubid::int2 from pg_depend e
      where e.classid = 'pg_class'::regclass and e.objid = x.indexrelid
        and e.refclassid = 'pg_class'::regclass and e.refobjid = x.indrelid)`,
    )} as columns,
    not ${dependsOnPeoples('pg_class', 'x.indexrelid')} and not exists (
      select from unnest(k.conexclop) o where o >= 16384) as portable,
    array(select pg_get_indexdef(x.indexrelid, n, false) from generate_series(1, x.indnkeyatts) n)
      as parts,
    array(select 'operator(' || quote_ident(s.nspname) || '.' || o.oprname || ')'
      from unnest(k.conexclop) with ordinality e (oid, n) join pg_operator o on o.oid = e.oid
      join pg_namespace s on s.oid = o.oprnamespace order by e.n) as operators,
    coalesce((to_jsonb(x) ->> 'indnullsnotdistinct')::boolean, false) as "nullsEqual"
  from relations r join pg_index x on x.indrelid = r.rel and (x.indisunique or x.indisexclusion)
  join pg_class i on i.oid = x.indexrelid
  left join pg_constraint k on k.conindid = x.indexrelid and k.contype in ('x', 'p', 'u')
  where x.indislive and not exists (select from pg_inherits h where h.inhrelid = x.indexrelid)`

const byHash = /satisfies_hash_partition\('\d+'::oid/g

export type DemandRow = Demand & { readonly oid: string }

/** `schema` as SQL writes it. `oid`: of the table. */
export async function readDemands(client: ClientBase, schema: string): Promise<DemandRow[]> {
  const demands: DemandRow[] = []
  for (const query of [checks, domains, partitions, uniques]) {
    const { rows } = await client.query(
      `with relations as materialized (${relations}) ${query} order by 1, 2, 5, 4`,
      [schema],
    )
    demands.push(...rows.map(withoutOids))
  }
  return demands
}

/** Whether a hash leads to a partition is for its own database to decide. */
function withoutOids(demand: DemandRow): DemandRow {
  const { sql, within, portable } = demand
  const hashes = [sql, within].some((text) => text?.includes('satisfies_hash_partition'))
  const plain = (text: string | null) =>
    text?.replaceAll(byHash, 'satisfies_hash_partition(0') ?? null
  return { ...demand, sql: plain(sql), within: plain(within), portable: portable && !hashes }
}

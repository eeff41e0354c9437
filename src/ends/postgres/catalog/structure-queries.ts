/** Queries of the tables of a schema and, by oid, of their parts. `$1`: the schema, quoted. */
import { partitionTree } from '../relations.ts'
import { keySides } from './dependents.ts'
import { stampsOf } from './schema-stamp.ts'

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

const tables = `
  select c.* from pg_class c
  where c.relnamespace = $1::regnamespace and c.relkind in ('r', 'p') and not c.relispartition`

export const tablesQuery = `
  select c.oid::int8::text as oid, c.relname as name,
    c.relrowsecurity and exists (select from pg_roles who where not (who.rolsuper or who.rolbypassrls)
      and (who.rolname = current_user or who.oid in (select p.proowner from pg_proc p
        where p.pronamespace = to_regnamespace('rehome') and p.prosecdef))
      and (c.relforcerowsecurity or not pg_has_role(who.oid, c.relowner, 'usage')))
      as "rowSecurity",
    array(select p from unnest(array['SELECT', 'INSERT', 'UPDATE', 'DELETE']) p
      where has_table_privilege(c.oid, p)) as privileges,
    exists (select from pg_subscription_rel s where s.srrelid = c.oid
      or s.srrelid in (select p.relid from ${partitionTree('c.oid')} p)) as subscribed,
    array(select t.relid::regclass::oid::int8::text from ${partitionTree('c.oid')} t
      where t.relid <> c.oid) as "partitionOids",
    array(select p.relname::text from ${partitionTree('c.oid')} t join pg_class p on p.oid = t.relid
      where t.relid <> c.oid and p.relnamespace = c.relnamespace and p.relkind <> 'f'
      order by p.oid) as partitions,
    array(select n.nspname || '.' || k.relname
      from (select i.inhrelid from pg_inherits i where i.inhparent = c.oid
        union select i.inhparent from pg_inherits i where i.inhrelid = c.oid
        union select t.relid from ${partitionTree('c.oid')} t) near (oid)
      join pg_class k using (oid) join pg_namespace n on n.oid = k.relnamespace
      where not k.relispartition and k.oid <> c.oid
        or k.relispartition and (k.relnamespace <> c.relnamespace or k.relkind = 'f')
      order by 1) as unguardable,
    array(select distinct n.nspname || '.' || k.relname from pg_constraint f
      join pg_class k on k.oid = f.conrelid join pg_namespace n on n.oid = k.relnamespace
      where f.contype = 'f' and f.conparentid = 0 and k.relnamespace <> c.relnamespace
        and (f.confrelid = c.oid or f.confrelid in (select p.relid from ${partitionTree('c.oid')} p))
      order by 1) as "outerChildren",
    array(select a.attname::text from pg_partitioned_table p, unnest(p.partattrs) k
      join pg_attribute a on a.attrelid = c.oid and a.attnum = k where p.partrelid = c.oid)
      as "partitionColumns",
    ${hiddenNumbers} as "hiddenNumbers", s.stamp
  from (${tables}) c left join (${stampsOf(`select oid from (${tables}) c`)}) s on s.root = c.oid
  order by c.relname`

/** Whichever sequence a column's values come from; `plain`: these are its numbers as they are. */
const drawnFrom = `
  select f.name, b.typname in ('int2', 'int4', 'int8') and (f.made is null
    or f.made ~ '^\\(?nextval\\(''[^'']+''::regclass\\)\\)?(::[a-z]+)?$') as plain
  from (select coalesce(
      (select quote_ident(sn.nspname) || '.' || quote_ident(s.relname) from pg_depend e
        join pg_class s on s.oid = e.objid and s.relkind = 'S'
        join pg_namespace sn on sn.oid = s.relnamespace
        where e.classid = 'pg_class'::regclass and e.refclassid = 'pg_class'::regclass
          and e.refobjid = a.attrelid and e.refobjsubid = a.attnum and e.deptype in ('a', 'i')
        order by s.oid limit 1),
      (select quote_ident(sn.nspname) || '.' || quote_ident(s.relname) from pg_depend e
        join pg_class s on s.oid = e.refobjid and s.relkind = 'S'
        join pg_namespace sn on sn.oid = s.relnamespace
        where (e.classid = 'pg_attrdef'::regclass and e.objid = d.oid
          or d.oid is null and e.classid = 'pg_type'::regclass and e.objid = a.atttypid)
          and e.refclassid = 'pg_class'::regclass order by s.oid limit 1)) as name,
    coalesce(pg_get_expr(d.adbin, d.adrelid),
      (select o.typdefault from pg_type o where o.oid = a.atttypid and o.typtype = 'd')) as made) f`

export const columnsQuery = `
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

export const uniquesQuery = `
  select i.indrelid::int8::text as oid, x.relname as name, i.indisprimary as primary,
    not i.indimmediate as deferrable,
    array(select a.attname::text from unnest(i.indkey[0:i.indnkeyatts - 1]) with ordinality k (n, o)
      join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.n order by k.o) as columns
  from pg_index i join pg_class c on c.oid = i.indrelid join pg_class x on x.oid = i.indexrelid
  where c.relnamespace = $1::regnamespace and not c.relispartition and i.indisunique
    and i.indpred is null and i.indexprs is null and i.indisvalid
  order by i.indrelid, i.indexrelid`

export const foreignKeysQuery = `
  select k.conrelid::int8::text as oid, k.conname as name, p.relname as parent,
    n.nspname as "parentSchema", k.condeferrable as deferrable, p.relnamespace <> c.relnamespace as outside,
    ${keySides}
  from pg_constraint k join pg_class c on c.oid = k.conrelid join pg_class p on p.oid = k.confrelid
  join pg_namespace n on n.oid = p.relnamespace
  where c.relnamespace = $1::regnamespace and k.contype = 'f' and k.conparentid = 0
    and not c.relispartition and not p.relispartition
    and coalesce((to_jsonb(k) ->> 'conenforced')::boolean, true)
  order by k.conrelid, k.conname`

/**
 * On a trigger `t` of a guard and its function `p`: the guard is taken away when no run needs it.
 * It has one argument more than its function reads: no name of a tenant can be taken for that.
 */
export const isPassing = `t.tgnargs > case p.proname
  when 'guard_tenant' then 2 when 'refuse_truncate' then 1 else 0 end`

export const triggersQuery = `
  select t.tgrelid::int8::text as oid, c.relname as relation, t.tgname as name,
    t.tgenabled = 'A' as always, n.nspname = 'rehome' as ours,
    n.nspname = 'rehome' and ${isPassing} as passing,
    case when n.nspname = 'rehome' and p.proname in ('refuse_truncate', 'guard_tenant')
      then 'rehome.' || p.proname || ' of ' || encode(t.tgargs, 'hex')
      else p.prosrc end as body
  from pg_trigger t
  join pg_class c on c.oid = t.tgrelid
  join pg_proc p on p.oid = t.tgfoid
  join pg_namespace n on n.oid = p.pronamespace
  where c.relnamespace = $1::regnamespace and not t.tgisinternal and t.tgparentid = 0
  order by t.tgrelid, t.tgname`

/**
 * Tells by one statement whether anything has changed in the catalogue of a schema, however shortly
 * it was so: a trigger that was disabled and enabled again has another version of its row.
 *
 * Versions are identified by `xmin`. Vacuum and analyze change statistics in place and leave it
 * alone.
 */
import { partitionTree } from '../relations.ts'

/**
 * The rows of the catalogue that describe `relations`, each with its version. `relations`: a query
 * of oids, each beside its `root`, and it may refer to itself.
 */
const versionsOf = (relations: string) => `
  with recursive relations (root, oid) as (${relations}),
  triggers as materialized (
    select r.root, t.oid, t.xmin as version, t.tgfoid
    from pg_trigger t join relations r on r.oid = t.tgrelid)
  select r.root, format('relation %s %s', c.oid, c.xmin) as name
    from pg_class c join relations r using (oid)
    where c.oid = any (array(select oid from relations))
  union all
  select r.root, format('column %s %s %s', a.attrelid, a.attnum, a.xmin)
    from pg_attribute a join relations r on r.oid = a.attrelid
    where a.attrelid = any (array(select oid from relations))
  union all
  select r.root, format('default %s %s', d.oid, d.xmin)
    from pg_attrdef d join relations r on r.oid = d.adrelid
  union all
  select r.root, format('constraint %s %s', k.oid, k.xmin)
    from pg_constraint k join relations r on r.oid = k.conrelid
  union all
  select root, format('trigger %s %s', oid, version) from triggers
  union all
  select t.root, format('function %s %s', p.oid, p.xmin)
    from (select distinct root, tgfoid from triggers) t join pg_proc p on p.oid = t.tgfoid
    where p.oid = any (array(select tgfoid from triggers))
  union all
  select r.root, format('rule %s %s', w.oid, w.xmin)
    from pg_rewrite w join relations r on r.oid = w.ev_class
  union all
  select r.root, format('partition %s %s %s', i.inhrelid, i.inhparent, i.xmin)
    from pg_inherits i join relations r on r.oid = i.inhparent`

/**
 * Changes with the functions of the fence, but for those that guards of one table have: these come
 * and go with other tables, plans and tenants, and a table's own triggers lead to its own. An
 * expression.
 */
const fenceStamp = `(
  select md5(coalesce(string_agg(format('%s %s', p.oid, p.xmin), ',' order by p.oid), ''))
  from pg_proc p where p.proname !~ '^guard_[0-9a-f]{12}(_row)?$'
    and p.oid = any (array(select e.objid from pg_depend e
      where e.classid = 'pg_proc'::regclass and e.refclassid = 'pg_namespace'::regclass
        and e.refobjid = to_regnamespace('rehome'))))`

/** An expression, which changes with `fence` too. `$1`: the schema, without quotes. */
const stampWith = (fence: string) => `(
  select md5(coalesce(string_agg(name, ',' order by name), '') || ${fence})
  from (${versionsOf(`select 0::oid, oid from pg_class
    where relnamespace = (select to_regnamespace(quote_ident($1))) and relkind in ('r', 'p', 'f')`)}) v)`

/** An expression. `$1`: the schema, without quotes. */
export const schemaStamp = stampWith(fenceStamp)

/**
 * A query of the same as `stamp`, beside the `fenceStamp` that it was made of. With the `offset`,
 * the server makes each of them once, however often they are used.
 */
export const stampsQuery = `
  select ${stampWith('f.stamp')} as stamp, f.stamp as "fenceStamp"
  from (select ${fenceStamp} as stamp offset 0) f offset 0`

/**
 * Stamps of `tables`, a query of oids, each with the partitions and heirs below it: a query of
 * `root` and `stamp`.
 */
export const stampsOf = (tables: string) => `
  select root, md5(string_agg(name, ',' order by name)) as stamp
  from (${versionsOf(`select oid, oid from (${tables}) t
    union select r.root, i.inhrelid from pg_inherits i join relations r on r.oid = i.inhparent`)}) v
  group by root`

/** Objects of people, not of PostgreSQL: FirstNormalObjectId of its `access/transam.h`. */
const peoples = 16384

/** Types whose values tables hold; not the row types that every table has. */
const ownTypes = `
  select t.oid, t.xmin as version from pg_type t
  where t.oid >= ${peoples} and (t.typtype in ('d', 'e', 'r', 'm') or t.typtype = 'b' and t.typelem = 0
    or t.typtype = 'c' and t.typrelid = any (array(select oid from composites)))`

/**
 * An expression that changes with everything that a schema's tables are described by and that
 * `schemaStamp` leaves out because no move relies on it to stay: indexes, sequences, types, roles,
 * and the tables of other schemas that hang together with them. Each move may advance sequences, so
 * of those it has what is read, not the versions of their rows. `$1`: the schema, without quotes.
 */
export const surroundingsStamp = `(
  with inside as materialized (
    select c.oid, c.relkind from pg_class c
    where c.relnamespace = (select to_regnamespace(quote_ident($1))) and c.relkind in ('r', 'p', 'f')),
  near (oid) as (
    select t.tgconstrrelid from pg_trigger t join inside i on i.oid = t.tgrelid
    where t.tgconstrrelid <> 0
    union select p.relid::oid from inside i, lateral ${partitionTree('i.oid')} p where i.relkind = 'p'
    union select h.inhrelid from pg_inherits h join inside i on i.oid = h.inhparent
    union select h.inhparent from pg_inherits h join inside i on i.oid = h.inhrelid),
  outside as materialized (
    select oid from (select oid from near union select pg_partition_root(oid)::oid from near) n
    where oid is not null and oid not in (select oid from inside)),
  defaults as materialized (
    select d.oid from pg_attrdef d join inside i on i.oid = d.adrelid),
  composites as materialized (
    select oid from pg_class where oid >= ${peoples} and relkind = 'c'),
  types as materialized (${ownTypes}),
  sequences as (
    select c.oid from pg_class c
    where c.relnamespace = (select to_regnamespace(quote_ident($1))) and c.relkind = 'S'
    union select e.refobjid from pg_depend e where e.refclassid = 'pg_class'::regclass
      and e.classid = 'pg_attrdef'::regclass and e.objid = any (array(select oid from defaults))
    union select e.refobjid from pg_depend e where e.refclassid = 'pg_class'::regclass
      and e.classid = 'pg_type'::regclass and e.objid = any (array(select oid from types))
    union select e.objid from pg_depend e
    where e.classid = 'pg_class'::regclass and e.refclassid = 'pg_class'::regclass
      and e.deptype in ('a', 'i') and e.refobjid = any (array(select oid from inside))),
  versions (name) as (
    select format('relation %s %s', c.oid, c.xmin) from pg_class c join outside o on o.oid = c.oid
    union all
    select format('column %s %s %s', a.attrelid, a.attnum, a.xmin)
    from pg_attribute a join outside o on o.oid = a.attrelid
    union all
    select format('constraint %s %s', k.oid, k.xmin)
    from pg_constraint k join outside o on o.oid = k.conrelid
    union all
    select format('partition %s %s %s', h.inhrelid, h.inhparent, h.xmin)
    from pg_inherits h join outside o on o.oid = h.inhrelid
    union all
    select format('index %s %s %s', x.indexrelid, x.xmin, c.xmin)
    from pg_index x join pg_class c on c.oid = x.indexrelid
    where x.indrelid = any (array(select oid from inside))
    union all
    select format('sequence %s %s %s %s of %s', c.oid, c.relnamespace, c.relname, q.seqincrement,
      (select string_agg(format('%s.%s', e.refobjid, e.refobjsubid), ' ') from pg_depend e
       where e.classid = 'pg_class'::regclass and e.objid = c.oid
         and e.refclassid = 'pg_class'::regclass))
    from pg_class c join pg_sequence q on q.seqrelid = c.oid
    where c.oid = any (array(select oid from sequences))
    union all
    select format('function %s %s', p.oid, p.xmin) from pg_proc p
    where p.oid = any (array(select e.refobjid from pg_depend e
      where e.objid = any (array(select oid from defaults))
        and e.classid = 'pg_attrdef'::regclass and e.refclassid = 'pg_proc'::regclass))
    union all
    select format('type %s %s', oid, version) from types
    union all
    select format('check of a type %s %s', oid, xmin) from pg_constraint where contypid >= ${peoples}
    union all
    select format('label %s %s', oid, xmin) from pg_enum
    union all
    select format('attribute %s %s %s', a.attrelid, a.attnum, a.xmin) from pg_attribute a
    where a.attrelid = any (array(select oid from composites))
    union all
    select format('class %s %s', oid, xmin) from pg_opclass where oid >= ${peoples}
    union all
    select format('member %s %s', oid, xmin) from pg_amop where oid >= ${peoples}
    union all
    select format('operator %s %s', oid, xmin) from pg_operator where oid >= ${peoples}
    union all
    select format('cast %s %s', oid, xmin) from pg_cast where oid >= ${peoples}
    union all
    select format('collation %s %s', oid, xmin) from pg_collation where oid >= ${peoples}
    union all
    select format('schema %s %s', oid, xmin) from pg_namespace where nspname !~ '^pg_(toast_)?temp_'
    union all
    select format('extension %s %s', oid, xmin) from pg_extension
    union all
    select format('type of an extension %s %s', e.objid, e.refobjid) from pg_depend e
    where e.classid = 'pg_type'::regclass and e.deptype = 'e' and e.objid in (select oid from types)
    union all
    select format('owner %s', datdba) from pg_database where datname = current_database()
    union all
    select format('subscribed %s %s', srrelid, xmin) from pg_subscription_rel
    union all
    select format('role %s %s %s %s', oid, rolsuper, rolbypassrls, rolinherit) from pg_roles
    union all
    select format('membership %s %s %s', roleid, member, xmin) from pg_auth_members)
  select md5(coalesce(string_agg(name, ',' order by name), '')) from versions)`

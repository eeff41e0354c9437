/**
 * Tells by one statement whether anything has changed in the catalogue of a schema, however shortly
 * it was so: a trigger that was disabled and enabled again has another version of its row.
 *
 * Versions are identified by `xmin`. Vacuum and analyze change statistics in place and leave it
 * alone.
 */

/** An expression. `$1`: the schema, without quotes. */
export const schemaStamp = `(
  with relations as materialized (
    select c.oid, c.xmin as version from pg_class c
    where c.relnamespace = (select to_regnamespace(quote_ident($1))) and c.relkind in ('r', 'p', 'f')),
  triggers as materialized (
    select t.oid, t.xmin as version, t.tgfoid from pg_trigger t join relations r on r.oid = t.tgrelid),
  versions (name) as (
    select format('relation %s %s', oid, version) from relations
    union all
    select format('column %s %s %s', a.attrelid, a.attnum, a.xmin)
    from pg_attribute a join relations r on r.oid = a.attrelid
    union all
    select format('default %s %s', d.oid, d.xmin)
    from pg_attrdef d join relations r on r.oid = d.adrelid
    union all
    select format('constraint %s %s', k.oid, k.xmin)
    from pg_constraint k join relations r on r.oid = k.conrelid
    union all
    select format('trigger %s %s', oid, version) from triggers
    union all
    select format('function %s %s', p.oid, p.xmin) from pg_proc p
    where p.oid in (select tgfoid from triggers) or p.pronamespace = (select to_regnamespace('rehome'))
    union all
    select format('rule %s %s', w.oid, w.xmin)
    from pg_rewrite w join relations r on r.oid = w.ev_class
    union all
    select format('partition %s %s %s', i.inhrelid, i.inhparent, i.xmin)
    from pg_inherits i join relations r on r.oid = i.inhparent)
  select md5(coalesce(string_agg(name, ',' order by name), '')) from versions)`

// Plants functions and operators in a schema that match what is called better than PostgreSQL's own
// do, or as well: sessions that look into that schema for a name find them, and they report their
// caller.
import type pg from 'pg'

/** Words before a bracket that are no function's. */
const syntax = new Set(
  `in any all and or not values as on by from where select exists array row using over filter
  returning set with when then else case cast coalesce greatest least nullif extract trim substring
  overlay position union except into table key update conflict to lateral unique references check
  materialized default index function trigger schema k r n w t c operator limit offset primary`
    .split(/\s+/)
    .filter(Boolean),
)

/** Names of functions that the statements call, by whatever schema. */
export function functionsIn(texts: Iterable<string>): string[] {
  const names = new Set<string>()
  for (const text of texts) {
    const bare = text.replace(/'(?:[^']|'')*'/g, "''")
    for (const [, name = ''] of bare.matchAll(/\b([a-z_][a-z0-9_]*)\s*\(/g)) {
      if (!syntax.has(name)) names.add(name)
    }
  }
  return [...names].sort()
}

/** Symbols of operators, also of those that `in`, `any` and `like` stand for. */
export function operatorsIn(texts: Iterable<string>): string[] {
  const found = new Set(['=', '<>', '<', '>', '<=', '>=', '~~'])
  for (const text of texts) {
    const bare = text.replace(/'(?:[^']|'')*'/g, "''").replace(/::|"(?:[^"]|"")*"/g, ' ')
    for (const [symbol] of bare.matchAll(/[-+*/<>=~!@#%^&|`?]+/g)) found.add(symbol)
  }
  return [...found].filter((symbol) => !['*', '=>', '--', '!='].includes(symbol))
}

const operands =
  `text varchar name int2 int4 int8 numeric float8 bool uuid timestamptz interval date
  jsonb xid8 tid oid text[] varchar[] int4[] uuid[] app.mood app.code`.split(/\s+/)

/**
 * Plants into schema `app`. Returns how many there are now. Each raises an exception that begins
 * with `planted` in any session: a session that calls it by name should have been kept out.
 */
export async function plant(
  pool: pg.Pool,
  { functions, operators }: { functions: readonly string[]; operators: readonly string[] },
): Promise<number> {
  await pool.query(helper)
  const named = 'select app_test.plant_functions($1) as n'
  const { rows } = await pool.query(named, [functions])
  const symbols = 'select app_test.plant_operators($1, $2) as n'
  const made = await pool.query(symbols, [operators, operands])
  return rows[0].n + made.rows[0].n
}

const helper = `
create schema if not exists app_test;
create or replace function app_test.define(name text, arguments text) returns void
  language plpgsql as $$
declare body text := format(
  'begin raise exception ''planted: %s(%s) runs as %%'', current_user; end', name, arguments);
begin
  execute format('create or replace function app.%I(%s) returns text language plpgsql as %L',
    name, arguments, body);
end $$;
-- Of each function that there is: one with its own types, and some with types that fit better.
create or replace function app_test.plant_functions(names text[]) returns int
  language plpgsql as $$
declare this record; fits text; made int := 0;
begin
  for this in select p.proname::text as name, p.proargtypes as types from pg_catalog.pg_proc p
    where p.pronamespace = 'pg_catalog'::regnamespace and p.proname = any (names) and p.pronargs <= 4
  loop
    for i in 0..4 loop
      select string_agg(case
          when t.type::regtype::text in ('anyelement', 'anynonarray', 'anycompatible', '"any"', 'anyenum')
            then (array['text', 'varchar', 'int8', 'app.mood', 'app.notes'])[i + 1]
          when t.type::regtype::text in ('anyarray', 'anycompatiblearray')
            then (array['text[]', 'varchar[]', 'int4[]', 'uuid[]', 'int8[]'])[i + 1]
          when t.type = 'int8'::regtype and i % 2 = 1 then 'int4'
          when t.type = 'text'::regtype and i % 2 = 1 then 'varchar'
          else t.type::regtype::text end, ', ' order by t.n) into fits
        from unnest(this.types::oid[]) with ordinality t (type, n);
      begin
        perform app_test.define(this.name, coalesce(fits, ''));
        made := made + 1;
      exception when others then null; -- e.g. of internal types, which nobody can plant either
      end;
    end loop;
  end loop;
  return made;
end $$;
create or replace function app_test.plant_operators(symbols text[], types text[]) returns int
  language plpgsql as $$
declare symbol text; l text; r text; made int := 0; id text;
begin
  foreach symbol in array symbols loop
    foreach l in array types loop
      foreach r in array types loop
        continue when l <> r and not (l in ('text', 'varchar', 'int4', 'int8')
          and r in ('text', 'varchar', 'int4', 'int8'));
        id := 'op_' || md5(symbol || l || r);
        execute format('create function app.%I(%s, %s) returns boolean language plpgsql as %L', id, l, r,
          format('begin raise exception ''planted: %s %s %s runs as %%'', current_user; end', l, replace(symbol, '%', '%%%%'), r));
        execute format('create operator app.%s (leftarg = %s, rightarg = %s, function = app.%I)',
          symbol, l, r, id);
        made := made + 1;
      end loop;
    end loop;
  end loop;
  return made;
end $$;`

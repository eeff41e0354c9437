/**
 * Functions of planned tables that find something by the search path: ours is none of the
 * application's, so such a function may fail, or find something else, where a move writes rows.
 *
 * Their text is looked at, not run: a name counts where it stands without a schema as a relation, a
 * function, a type or a sequence does, and where some schema of the application has one of that
 * name. What a function makes of texts, and what the functions do that it calls, is not seen.
 */
import type { Pool } from '../../../postgres.ts'
import { partitionTree } from '../relations.ts'

export interface Reliance {
  /** `schema.function`, quoted where SQL needs it. */
  readonly functionName: string
  /** The calling object, e.g. `trigger "stamp" of "notes"`. */
  readonly caller: string
  /** Name → schemas that have it. */
  readonly names: ReadonlyMap<string, readonly string[]>
}

interface Asked {
  readonly schema: string
  readonly tables: readonly string[]
  /** Ordinary triggers do not fire while rows are written. */
  readonly replicate: boolean
}

/** Reads the catalogue only. */
export async function findReliances(pool: Pool, request: Asked): Promise<Reliance[]> {
  const { schema, tables, replicate } = request
  const functions = await pool.query(functionsQuery, [schema, tables, replicate])
  if (functions.rows.length === 0) return []
  const { rows } = await pool.query<Known>(namesQuery)
  return functions.rows.flatMap(({ functionName, caller, source }) => {
    const names = reliesOn(source, rows)
    return names.size === 0 ? [] : [{ functionName, caller, names }]
  })
}

export interface Known {
  readonly kind: 'relation' | 'function' | 'type'
  readonly name: string
  readonly schema: string
}

/** Which of the known names a function's text has without a schema. Pure. */
export function reliesOn(source: string, objects: readonly Known[]): Map<string, string[]> {
  const text = source.replace(/--[^\n]*|\/\*[\s\S]*?\*\//g, ' ')
  const mentioned = (kind: Known['kind']) =>
    new Set(
      patterns[kind].flatMap((pattern) =>
        [...text.matchAll(pattern)].map(([, name = '']) => nameOf(name)),
      ),
    )
  const nameSets = {
    relation: mentioned('relation'),
    function: mentioned('function'),
    type: mentioned('type'),
  }
  const names = new Map<string, string[]>()
  for (const { kind, name, schema } of objects) {
    if (!nameSets[kind].has(name)) continue
    const schemas = names.get(name) ?? []
    if (!schemas.includes(schema)) names.set(name, [...schemas, schema])
  }
  return names
}

const identifier = '("(?:[^"]|"")+"|[A-Za-z_][\\w$]*)'
const unqualified = `(?<![\\w$."])${identifier}`
const patterns = {
  relation: [
    new RegExp(
      `\\b(?:from|join|into|update|table|using)\\s+(?:only\\s+)?${identifier}(?![\\w$]|\\s*[.(])`,
      'gi',
    ),
    new RegExp(`\\b(?:nextval|currval|setval)\\s*\\(\\s*'${identifier}'`, 'gi'),
    new RegExp(`${unqualified}%(?:row)?type\\b`, 'gi'),
  ],
  function: [new RegExp(`${unqualified}\\s*\\(`, 'g')],
  type: [new RegExp(`::\\s*${identifier}(?![\\w$]|\\s*\\.)`, 'g')],
} as const

/** The name in the catalogue's form. */
function nameOf(text: string): string {
  return text.startsWith('"') ? text.slice(1, -1).replaceAll('""', '"') : text.toLowerCase()
}

const ofApplication = (alias: string) =>
  `${alias}.nspname !~ '^pg_'
    and ${alias}.nspname not in ('information_schema', 'rehome', 'rehome_log')`

/** Names that pg_catalog has, too, are found there first, by any path. */
const namesQuery = `
  select 'relation' as kind, c.relname as name, n.nspname as schema
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S') and ${ofApplication('n')}
  union all
  select 'function', p.proname, n.nspname
    from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace
    where ${ofApplication('n')} and not exists (select from pg_catalog.pg_proc o
      where o.proname = p.proname and o.pronamespace = 'pg_catalog'::pg_catalog.regnamespace)
  union all
  select 'type', t.typname, n.nspname
    from pg_catalog.pg_type t join pg_catalog.pg_namespace n on n.oid = t.typnamespace
    where ${ofApplication('n')} and not exists (select from pg_catalog.pg_type o
      where o.typname = t.typname and o.typnamespace = 'pg_catalog'::pg_catalog.regnamespace)
  order by 1, 2, 3`

/** A function with a path of its own, or a body of the new kind, finds what it was meant to. */
const functionsQuery = `
  with planned as materialized (
    select c.oid, r.relname as name from pg_catalog.pg_class r
    join pg_catalog.pg_namespace n on n.oid = r.relnamespace
    join pg_catalog.pg_class c on c.oid = r.oid
      or r.relkind = 'p' and c.oid in (select t.relid from ${partitionTree('r.oid')} t)
    where n.nspname = $1 and r.relname = any ($2)),
  callers as (
    select t.tgfoid as called, pg_catalog.format('trigger "%s" of "%s"', t.tgname, o.name) as caller
      from pg_catalog.pg_trigger t join planned o on o.oid = t.tgrelid
      where not t.tgisinternal and t.tgenabled <> 'D' and not ($3 and t.tgenabled = 'O')
    union
    select d.refobjid, pg_catalog.format('default of "%s.%s"', o.name, a.attname)
      from pg_catalog.pg_attrdef e join planned o on o.oid = e.adrelid
      join pg_catalog.pg_attribute a on a.attrelid = e.adrelid and a.attnum = e.adnum
      join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass
        and d.objid = e.oid and d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass
    union
    select d.refobjid, pg_catalog.format('constraint "%s" of "%s"', k.conname, o.name)
      from planned o join pg_catalog.pg_constraint k on k.conrelid = o.oid
        or k.contypid in (select a.atttypid from pg_catalog.pg_attribute a where a.attrelid = o.oid)
      join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass
        and d.objid = k.oid and d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass
    union
    select d.refobjid, pg_catalog.format('index "%s" of "%s"', i.relname, o.name)
      from pg_catalog.pg_index x join planned o on o.oid = x.indrelid
      join pg_catalog.pg_class i on i.oid = x.indexrelid
      join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
        and d.objid = i.oid and d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass)
  select pg_catalog.format('%I.%I', n.nspname, p.proname) as "functionName",
    min(q.caller collate "C") as caller, p.prosrc as source
  from callers q join pg_catalog.pg_proc p on p.oid = q.called
  join pg_catalog.pg_namespace n on n.oid = p.pronamespace
  join pg_catalog.pg_language l on l.oid = p.prolang
  where ${ofApplication('n')} and l.lanname in ('sql', 'plpgsql')
    and pg_catalog.to_jsonb(p) ->> 'prosqlbody' is null
    and not exists (select from pg_catalog.unnest(p.proconfig) s where s like 'search\\_path=%')
  group by p.oid, n.nspname, p.proname, p.prosrc order by 1, p.oid`

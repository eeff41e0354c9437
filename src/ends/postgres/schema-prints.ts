/**
 * Tells which tenants' schemas are alike, by one query for many of them: schemas of one print have
 * the same tables, keys, indexes, triggers, privileges and guards under other names. So `check`
 * and `init` look closely at one schema of a kind. A move looks closely at its own schemas.
 */
import { inLists } from '../../parallel.ts'
import type { Client } from '../../postgres.ts'
import type { SqlEnd } from '../end.ts'
import { schemaNames } from './tenant-schemas.ts'

/** Schemas that one statement reads. */
const schemasAtOnce = 200

export async function schemaPrints(
  end: SqlEnd,
  tenants: readonly string[],
): Promise<(string | null)[]> {
  const names = schemaNames(end, tenants)
  const prints = new Map<string, string>()
  const pairs = tenants.map((tenant, i) => ({ tenant, name: names[i] ?? '' }))
  for (const some of inLists(pairs, () => 1, { most: schemasAtOnce })) {
    const options = { guards: true, empty: end.name === 'source' || !end.isWholeDatabase }
    for (const [name, print] of await printsOf(end.pool, some, options)) {
      prints.set(name, print)
    }
  }
  return names.map((name) => prints.get(name) ?? null)
}

interface Named {
  readonly name: string
  readonly tenant: string
}

interface Asked {
  /** Guards are a part of the print. */
  readonly guards: boolean
  /** Schemas without a relation have a print. In a new database the schema is there already. */
  readonly empty: boolean
}

/** Schema → print, of those that exist. */
export async function printsOf(
  db: Pick<Client, 'query'>,
  schemas: readonly Named[],
  { guards, empty }: Asked,
): Promise<Map<string, string>> {
  const values = [schemas.map(({ name }) => name), schemas.map(({ tenant }) => tenant)]
  const { rows } = await db.query(query, [...values, guards, empty])
  return new Map(rows.map(({ name, print }: Record<'name' | 'print', string>) => [name, print]))
}

/**
 * Without the schema's name, also where it stands in a literal (`nextval`), and the tenant's. Names
 * of logs are made of the schema's.
 */
const plain = (text: string) =>
  `replace(replace(${text}, replace(w.prefix, '''', ''''''), ''), w.prefix, '')`
const plainBody = `regexp_replace(replace(replace(p.prosrc, quote_literal(w.tenant), ''), w.prefix, ''),
  'log_[0-9a-f]{12}', 'log', 'g')`

/** Position of column `a`. A copy has no dropped columns, so only those that are there count. */
const position = `case when $3 then a.attnum else (select count(*) from pg_attribute b
  where b.attrelid = a.attrelid and b.attnum between 1 and a.attnum and not b.attisdropped) end`

/** How relations are kept: it makes no other kind, but a copy has to have it. */
const keptLines = `
    union all select w.oid, format('kept %s %s %s %s %s %s %s', w.relname, c.relreplident, c.relpersistence,
      c.reloptions, c.relam, c.reltablespace,
      (select t.reloptions from pg_class t where t.oid = c.reltoastrelid))
    from relations w join pg_class c on c.oid = w.relid where not $3
    union all select w.oid, format('column kept %s %s %s %s %s %s', w.relname, a.attname, a.attstorage,
      to_jsonb(a) ->> 'attcompression', a.attstattarget, a.attoptions)
    from relations w join pg_attribute a on a.attrelid = w.relid and a.attnum > 0 and not a.attisdropped
      where not $3 and w.relkind in ('r', 'p')
    union all select w.oid, format('index kept %s %s %s %s %s', i.relname, x.indisreplident,
      x.indisclustered, i.reltablespace,
      array(select a.attstattarget from pg_attribute a where a.attrelid = i.oid order by a.attnum))
    from relations w join pg_index x on x.indrelid = w.relid join pg_class i on i.oid = x.indexrelid
      where not $3`

const query = `
  with w as materialized (
    select n.oid, w.name, quote_ident(w.name) || '.' as prefix, w.tenant,
      encode(convert_to(w.tenant, 'UTF8'), 'hex') || '00' as argument, n.nspowner, n.nspacl
    from rows from (unnest($1::text[]), unnest($2::text[])) w (name, tenant)
    join pg_namespace n on n.nspname = w.name),
  relations as materialized (
    select w.*, c.oid as relid, c.relname, c.relkind, c.reltype, c.relowner, c.relacl, c.relrowsecurity,
      c.relforcerowsecurity, c.relispartition
    from w join pg_class c on c.relnamespace = w.oid and c.relkind in ('r', 'p', 'f', 'v', 'm', 'S')),
  lines (oid, line) as (
    select oid, format('schema %s %s', nspowner, nspacl) from w
    union all select oid, format('relation %s %s %s %s %s %s %s', relname, relkind, relowner, relacl,
      relrowsecurity, relforcerowsecurity, relispartition) from relations
    union all select w.oid, format('column %s %s %s %s %s %s %s %s', w.relname, ${position}, a.attname,
      ${plain('format_type(a.atttypid, a.atttypmod)')}, a.attnotnull, a.attidentity, a.attgenerated,
      a.attcollation)
    from relations w join pg_attribute a on a.attrelid = w.relid and a.attnum > 0 and not a.attisdropped
      where w.relkind in ('r', 'p', 'f')
    ${keptLines}
    union all select w.oid, format('default %s %s %s', w.relname, a.attname,
      ${plain('pg_get_expr(d.adbin, d.adrelid)')})
    from relations w join pg_attrdef d on d.adrelid = w.relid
      join pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum
    union all select w.oid, format('constraint %s %s %s', w.relname, k.conname,
      ${plain('pg_get_constraintdef(k.oid)')})
    from relations w join pg_constraint k on k.conrelid = w.relid
    union all select w.oid, format('index %s %s', x.indisvalid, ${plain('pg_get_indexdef(x.indexrelid)')})
    from relations w join pg_index x on x.indrelid = w.relid
    union all select w.oid, format('trigger %s %s %s %s', w.relname, t.tgname, t.tgenabled,
      case when p.pronamespace = to_regnamespace('rehome') and t.tgnargs > 0
          then p.proname || replace(encode(t.tgargs, 'hex'), w.argument, '')
        when p.pronamespace = to_regnamespace('rehome') then ${plainBody}
        else ${plain('pg_get_triggerdef(t.oid)')} end)
    from relations w join pg_trigger t on t.tgrelid = w.relid and not t.tgisinternal
      join pg_proc p on p.oid = t.tgfoid
        and ($3 or p.pronamespace is distinct from to_regnamespace('rehome'))
    union all select w.oid, format('rule %s %s', w.relname, ${plain('pg_get_ruledef(r.oid)')})
    from relations w join pg_rewrite r on r.ev_class = w.relid where w.relkind in ('r', 'p', 'f')
    union all select w.oid, format('policy %s %s', w.relname, y.polname)
    from relations w join pg_policy y on y.polrelid = w.relid
    union all select w.oid, format('parent %s %s', w.relname, ${plain('i.inhparent::regclass::text')})
    from relations w join pg_inherits i on i.inhrelid = w.relid
    union all select w.oid, format('referred to by %s', k.conrelid::regclass)
    from relations w join pg_constraint k on k.confrelid = w.relid
      join pg_class c on c.oid = k.conrelid and c.relnamespace <> w.oid)
  select w.name, md5(coalesce(string_agg(l.line, e'\\n' order by l.line collate "C"), '')) as print
  from w left join lines l on l.oid = w.oid
  where $4 or w.oid in (select oid from relations) group by w.name`

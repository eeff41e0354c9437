/** The tables of a template as statements, without what refers from one to another. */
import type { Client } from '../../../postgres.ts'
import { ident } from '../../../quote.ts'
import { type SequenceOptions, sequenceColumns, sequenceText } from './sequence-options.ts'

interface Table {
  readonly name: string
  readonly unlogged: boolean
  readonly options: string[] | null
  /** Method and columns. null: it has no partitions. */
  readonly partitionKey: string | null
  readonly parent: string | null
  readonly bound: string | null
  readonly columns: readonly Column[]
  /** `nothing`, `full`; null: by its key, or by an index. */
  readonly identity: string | null
  readonly security: boolean
  readonly forced: boolean
}

interface Column {
  readonly name: string
  readonly type: string
  readonly collation: string | null
  readonly notNull: boolean
  readonly identity: '' | 'a' | 'd'
  readonly generated: '' | 's' | 'v'
  readonly expression: string | null
  /** null: as its type has it. */
  readonly storage: string | null
  readonly compression: string | null
  readonly statistics: number | null
  readonly options: string[] | null
  readonly sequence: (SequenceOptions & { readonly name: string }) | null
}

/** How values of `a`, of type `t`, are kept. PostgreSQL 13 has no compression for a column. */
const keptColumns = `'storage', case when a.attstorage <> t.typstorage then case a.attstorage
    when 'p' then 'plain' when 'e' then 'external' when 'm' then 'main' else 'extended' end end,
  'compression', case pg_catalog.to_jsonb(a) operator(pg_catalog.->>) 'attcompression'
    when 'p' then 'pglz' when 'l' then 'lz4' end,
  'statistics', case when a.attstattarget >= 0 then a.attstattarget end, 'options', a.attoptions`

/** Parents before their partitions. */
export async function readTables(client: Client, of: string): Promise<string[]> {
  const { rows } = await client.query<Table>(`
    with recursive depths (oid, depth) as (
      select c.oid, 0 from pg_class c
      where c.relnamespace = ${of} and c.relkind in ('r', 'p') and not c.relispartition
      union all select i.inhrelid, d.depth + 1 from depths d join pg_inherits i on i.inhparent = d.oid
        join pg_class c on c.oid = i.inhrelid and c.relnamespace = ${of})
    select c.relname as name, c.relpersistence = 'u' as unlogged, c.reloptions as options,
      case when c.relkind = 'p' then pg_catalog.pg_get_partkeydef(c.oid) end as "partitionKey",
      case when c.relispartition then i.inhparent::pg_catalog.regclass::pg_catalog.text end as parent,
      case when c.relispartition then pg_catalog.pg_get_expr(c.relpartbound, c.oid) end as bound,
      case c.relreplident when 'f' then 'full' when 'n' then 'nothing' end as identity,
      c.relrowsecurity as security, c.relforcerowsecurity as forced,
      coalesce((select pg_catalog.json_agg(pg_catalog.json_build_object('name', a.attname,
          'type', pg_catalog.format_type(a.atttypid, a.atttypmod),
          'collation', (select k.oid::pg_catalog.regcollation::pg_catalog.text from pg_collation k
            where k.oid = a.attcollation and k.oid <> t.typcollation),
          'notNull', a.attnotnull, 'identity', a.attidentity, 'generated', a.attgenerated,
          'expression', pg_catalog.pg_get_expr(v.adbin, v.adrelid),
          ${keptColumns},
          'sequence', (select pg_catalog.row_to_json(o) from (select q.relname as name, ${sequenceColumns}
            from pg_depend d join pg_class q on q.oid = d.objid
              join pg_sequence s on s.seqrelid = q.oid
            where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid and d.refobjid = c.oid
              and d.refobjsubid = a.attnum and d.deptype = 'i') o)) order by a.attnum)
        from pg_attribute a join pg_type t on t.oid = a.atttypid
          left join pg_attrdef v on v.adrelid = c.oid and v.adnum = a.attnum
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped), '[]'::pg_catalog.json) as columns
    from depths d join pg_class c on c.oid = d.oid left join pg_inherits i on i.inhrelid = c.oid
    order by d.depth, c.oid`)
  return rows.flatMap((table) => [createTable(table), ...settingsOf(table)])
}

function createTable(table: Table): string {
  const { name, unlogged, options, partitionKey, parent, bound, columns } = table
  const what = parent
    ? `partition of ${parent} ${bound}`
    : `(${columns.map(columnText).join(', ')})`
  const divided = partitionKey ? ` partition by ${partitionKey}` : ''
  const stored = options ? ` with (${options.map(optionText).join(', ')})` : ''
  return `create ${unlogged ? 'unlogged ' : ''}table ${ident(name)} ${what}${divided}${stored}`
}

/** `name=value`, as the catalogue has it. */
function optionText(option: string): string {
  const [name = '', value = ''] = option.split(/=(.*)/s)
  return `${name.split('.').map(ident).join('.')} = '${value.replaceAll("'", "''")}'`
}

function columnText(column: Column): string {
  const { name, type, collation, notNull, identity, generated, expression, sequence } = column
  const parts = [ident(name), type]
  if (collation) parts.push(`collate ${collation}`)
  if (generated) {
    parts.push(`generated always as (${expression}) ${generated === 's' ? 'stored' : 'virtual'}`)
  } else if (identity && sequence) {
    const named = `sequence name ${ident(sequence.name)} ${sequenceText(sequence)}`
    parts.push(`generated ${identity === 'a' ? 'always' : 'by default'} as identity (${named})`)
  } else if (expression !== null) parts.push(`default ${expression}`)
  if (notNull) parts.push('not null')
  return parts.join(' ')
}

function settingsOf({ name, identity, security, forced, columns }: Table): string[] {
  const settings = [
    ...columns.flatMap(columnSettings),
    ...(identity ? [`replica identity ${identity}`] : []),
    ...(security ? ['enable row level security'] : []),
    ...(forced ? ['force row level security'] : []),
  ]
  return settings.map((setting) => `alter table ${ident(name)} ${setting}`)
}

function columnSettings({ name, storage, compression, statistics, options }: Column): string[] {
  const settings = [
    ...(storage ? [`set storage ${storage}`] : []),
    ...(compression ? [`set compression ${compression}`] : []),
    ...(statistics !== null ? [`set statistics ${statistics}`] : []),
    ...(options ? [`set (${options.map(optionText).join(', ')})`] : []),
  ]
  return settings.map((setting) => `alter column ${ident(name)} ${setting}`)
}

/** Indexes that are the replica identity of their table, or the order of its rows. */
export async function readChosenIndexes(client: Client, of: string): Promise<string[]> {
  const { rows } = await client.query<Record<'table' | 'index' | 'use', string>>(`
    select c.relname as "table", i.relname as "index", u.use
    from pg_class c join pg_index x on x.indrelid = c.oid join pg_class i on i.oid = x.indexrelid,
      lateral (values ('replica identity using index', c.relreplident = 'i' and x.indisreplident),
        ('cluster on', x.indisclustered)) u (use, is_so)
    where c.relnamespace = ${of} and u.is_so
    order by c.oid, i.oid`)
  return rows.map(({ table, index, use }) => `alter table ${ident(table)} ${use} ${ident(index)}`)
}

const modes: Readonly<Record<string, string>> = {
  D: 'disable',
  R: 'enable replica',
  A: 'enable always',
}

/** Those of the application. A guard names its tenant, and `init` installs it. */
export async function readTriggers(client: Client, of: string): Promise<string[]> {
  const { rows } = await client.query<{ text: string; table: string; name: string; mode: string }>(`
    select pg_catalog.pg_get_triggerdef(t.oid, true) as text, c.relname as "table", t.tgname as name,
      t.tgenabled as mode
    from pg_trigger t join pg_class c on c.oid = t.tgrelid join pg_proc p on p.oid = t.tgfoid
    where c.relnamespace = ${of} and not t.tgisinternal and t.tgparentid = 0::pg_catalog.oid
      and p.pronamespace is distinct from pg_catalog.to_regnamespace('rehome')::pg_catalog.oid
    order by t.oid`)
  return rows.flatMap(({ text, table, name, mode }) => {
    const change = modes[mode]
    return change ? [text, `alter table ${ident(table)} ${change} trigger ${ident(name)}`] : [text]
  })
}

/**
 * A schema as statements that make it anew under another name: tables with their partitions,
 * columns, defaults, keys, checks, indexes and triggers, sequences, enumerations, domains, grants.
 *
 * They are read in a session whose search path is the template, in which PostgreSQL writes names of
 * the template without a schema, and run in one whose path is the new schema. Functions and types
 * are qualified, so that none of the template's runs while it is read.
 */
import type { Client } from '../../../postgres.ts'
import { ident, literal } from '../../../quote.ts'
import { readGrants } from './grants.ts'
import { type SequenceOptions, sequenceColumns, sequenceText } from './sequence-options.ts'
import { readChosenIndexes, readTables, readTriggers } from './table-statements.ts'

/** In a transaction, whose search path it changes. Returns the statements for a schema. */
export async function readTemplate(
  client: Client,
  template: string,
): Promise<(schema: string) => string[]> {
  await client.query(`set local search_path = ${ident(template)}, pg_temp`)
  const of = oidOf(template)
  const sequences = await readSequences(client, of)
  const types = [...(await readEnumerations(client, of)), ...(await readDomains(client, of))]
  const tables = await readTables(client, of)
  const owned = await readOwnedSequences(client, of)
  const constraints = await readConstraints(client, of)
  const indexes = await readIndexes(client, of)
  const chosen = await readChosenIndexes(client, of)
  const triggers = await readTriggers(client, of)
  const grants = await readGrants(client, of)
  return (schema) => [
    `create schema ${ident(schema)}`,
    `set local search_path = ${ident(schema)}, pg_temp`,
    ...[...sequences, ...types, ...tables, ...owned, ...constraints.own, ...indexes],
    ...[...chosen, ...constraints.references, ...triggers, ...grants(schema)],
  ]
}

function oidOf(schema: string): string {
  return `${literal(ident(schema))}::pg_catalog.regnamespace::pg_catalog.oid`
}

const relations = `'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid`

/** Objects of the schema that these statements would not make, as PostgreSQL describes them. */
export async function unlikeableIn(client: Client, template: string): Promise<string[]> {
  const of = oidOf(template)
  const { rows } = await client.query<{ what: string }>(`
    select pg_describe_object(d.classid, d.objid, d.objsubid) as what from pg_depend d
    where d.refclassid = 'pg_namespace'::regclass and d.refobjid = ${of}
      and not (d.classid = ${relations} and exists (select from pg_class c
        where c.oid = d.objid and c.relkind in ('r', 'p', 'S') and c.reloftype = 0))
      and not (d.classid = 'pg_type'::regclass and exists (select from pg_type t
        where t.oid = d.objid and t.typtype in ('e', 'd')))
    union all select pg_describe_object('pg_policy'::regclass, p.oid, 0)
      from pg_policy p join pg_class c on c.oid = p.polrelid where c.relnamespace = ${of}
    union all select pg_describe_object('pg_rewrite'::regclass, r.oid, 0)
      from pg_rewrite r join pg_class c on c.oid = r.ev_class
      where c.relnamespace = ${of} and c.relkind in ('r', 'p')
    union all select 'inheritance of ' || c.oid::regclass
      from pg_inherits i join pg_class c on c.oid = i.inhrelid
      where c.relnamespace = ${of} and c.relkind in ('r', 'p') and not c.relispartition
    order by 1`)
  return rows.map(({ what }) => what)
}

/** Those of identity columns come with their columns. */
async function readSequences(client: Client, of: string): Promise<string[]> {
  const { rows } = await client.query<SequenceOptions & { name: string }>(`
    select c.relname as name, ${sequenceColumns}
    from pg_class c join pg_sequence s on s.seqrelid = c.oid
    where c.relnamespace = ${of} and not exists (select from pg_depend d
      where d.classid = ${relations} and d.objid = c.oid and d.deptype = 'i')
    order by c.oid`)
  return rows.map((one) => {
    return `create sequence ${ident(one.name)} as ${one.type} ${sequenceText(one)}`
  })
}

async function readOwnedSequences(client: Client, of: string): Promise<string[]> {
  const { rows } = await client.query<{ name: string; table: string; column: string }>(`
    select c.relname as name, t.relname as "table", a.attname as "column"
    from pg_class c join pg_depend d on d.classid = ${relations} and d.objid = c.oid
      and d.refclassid = ${relations} and d.deptype = 'a'
    join pg_class t on t.oid = d.refobjid
    join pg_attribute a on a.attrelid = t.oid and a.attnum = d.refobjsubid
    where c.relnamespace = ${of} and c.relkind = 'S' and t.relnamespace = ${of}
    order by c.oid`)
  return rows.map(({ name, table, column }) => {
    return `alter sequence ${ident(name)} owned by ${ident(table)}.${ident(column)}`
  })
}

async function readEnumerations(client: Client, of: string): Promise<string[]> {
  const { rows } = await client.query<{ name: string; labels: string[] }>(`
    select t.typname as name, array(select e.enumlabel::pg_catalog.text from pg_enum e
      where e.enumtypid = t.oid order by e.enumsortorder) as labels
    from pg_type t where t.typnamespace = ${of} and t.typtype = 'e' order by t.oid`)
  return rows.map(({ name, labels }) => {
    return `create type ${ident(name)} as enum (${labels.map(literal).join(', ')})`
  })
}

interface Domain {
  readonly name: string
  readonly type: string
  readonly collation: string | null
  readonly expression: string | null
  readonly notNull: boolean
  readonly checks: readonly { readonly name: string; readonly text: string }[]
}

async function readDomains(client: Client, of: string): Promise<string[]> {
  const { rows } = await client.query<Domain>(`
    select t.typname as name, pg_catalog.format_type(t.typbasetype, t.typtypmod) as type,
      (select k.oid::pg_catalog.regcollation::pg_catalog.text from pg_collation k join pg_type b
        on b.oid = t.typbasetype where k.oid = t.typcollation and k.oid <> b.typcollation) as collation,
      pg_catalog.pg_get_expr(t.typdefaultbin, 0::pg_catalog.oid) as expression,
      t.typnotnull as "notNull",
      pg_catalog.array_to_json(array(select pg_catalog.json_build_object('name', k.conname,
        'text', pg_catalog.pg_get_constraintdef(k.oid)) from pg_constraint k
        where k.contypid = t.oid and k.contype = 'c' order by k.conname)) as checks
    from pg_type t where t.typnamespace = ${of} and t.typtype = 'd' order by t.oid`)
  return rows.map(({ name, type, collation, expression, notNull, checks }) => {
    const parts = [
      `create domain ${ident(name)} as ${type}`,
      ...(collation ? [`collate ${collation}`] : []),
      ...(expression !== null ? [`default ${expression}`] : []),
      ...(notNull ? ['not null'] : []),
      ...checks.map((check) => `constraint ${ident(check.name)} ${check.text}`),
    ]
    return parts.join(' ')
  })
}

interface Constraint {
  readonly name: string
  readonly table: string
  readonly text: string
  readonly refers: boolean
}

/** References come when all keys are there that they refer to. */
async function readConstraints(
  client: Client,
  of: string,
): Promise<{ readonly own: string[]; readonly references: string[] }> {
  const { rows } = await client.query<Constraint>(`
    select k.conname as name, c.relname as "table", k.contype = 'f' as refers,
      pg_catalog.pg_get_constraintdef(k.oid) as text
    from pg_constraint k join pg_class c on c.oid = k.conrelid
    where c.relnamespace = ${of} and k.contype in ('p', 'u', 'x', 'c', 'f')
      and k.conislocal and k.conparentid = 0::pg_catalog.oid
    order by k.contype = 'p' desc, k.oid`)
  const texts = (refers: boolean) =>
    rows
      .filter((row) => row.refers === refers)
      .map(({ name, table, text }) => {
        return `alter table ${ident(table)} add constraint ${ident(name)} ${text}`
      })
  return { own: texts(false), references: texts(true) }
}

/** Those without a constraint. One of a partitioned table makes those of its partitions. */
async function readIndexes(client: Client, of: string): Promise<string[]> {
  const { rows } = await client.query<{ text: string; name: string }>(`
    select pg_catalog.pg_get_indexdef(c.oid, 0, true) as text,
      pg_catalog.quote_ident(c.relname::pg_catalog.text) as name
    from pg_class c join pg_index x on x.indexrelid = c.oid
    where c.relnamespace = ${of} and not c.relispartition
      and not exists (select from pg_constraint k where k.conindid = c.oid and k.contype <> 'f')
    order by c.oid`)
  return rows.map(({ text, name }) => {
    return text.replace(`INDEX ${name} ON ONLY `, () => `INDEX ${name} ON `)
  })
}

/**
 * Drops the schema of a tenant that has left, with what guarded it: only where it holds nothing but
 * empty tables of the move and what belongs to these. Never cascades.
 */
import { firstFew, RehomeError } from '../../../errors.ts'
import { type Client, inTransactionOf, sqlStateOf } from '../../../postgres.ts'
import { ident, qualified } from '../../../quote.ts'
import type { SqlEnd } from '../../end.ts'
import type { Hold } from '../../flags.ts'
import { type Logged, logTableOf } from '../changes/change-log.ts'
import { beginWriting } from '../fence/begin-writing.ts'
import { holdFlag } from '../fence/holds.ts'
import { scoped } from '../postgres-end.ts'

interface Dropping {
  /** Tables of the move, without their partitions. */
  readonly tables: readonly string[]
  /** Logs of these tables. */
  readonly logs: readonly Logged[]
}

/** Returns why the schema stays; null: it is gone. Throws FENCE_LOST. */
export async function dropSchema(
  end: SqlEnd,
  hold: Hold,
  dropping: Dropping,
): Promise<string | null> {
  const begin = `${beginWriting({ replicate: false })}; set local lock_timeout = '2s'`
  const dropped = inTransactionOf(end.pool, begin, async (client) => {
    if ((await holdFlag(client, scoped(end, hold), end)) !== 'moved') {
      const message = `the ${end.name} does not say that the tenant has moved away: its schema stays`
      throw new RehomeError('FENCE_LOST', message, { tenant: hold.tenant })
    }
    return await dropHeld(client, end, dropping)
  })
  return await dropped.catch((error: unknown) => {
    const state = sqlStateOf(error) ?? ''
    if (state === '55P03') return 'somebody has used one of its tables for 2 s'
    // Somebody refers to it, or our role does not own it.
    if (!['2BP01', '42501'].includes(state)) throw error
    return error instanceof Error ? error.message : String(error)
  })
}

async function dropHeld(
  client: Client,
  { schema }: SqlEnd,
  { tables, logs }: Dropping,
): Promise<string | null> {
  const all = await relationsOf(client, schema, tables)
  if (all === null) return null
  const names = all.map((name) => qualified(schema, name))
  if (names.length > 0) {
    await client.query(`lock table ${names.join(', ')} in access exclusive mode`)
  }
  const others = await othersIn(client, schema, all)
  if (others.length > 0) return `it holds ${firstFew(others)}`
  for (const [i, name] of names.entries()) {
    const { rows } = await client.query(`select exists (select from ${name}) as filled`)
    if (rows[0].filled) return `table "${all[i]}" has rows`
  }
  const guards = await guardsOf(client, schema)
  if (names.length > 0) await client.query(`drop table ${names.join(', ')}`)
  // Their columns may have types of the schema.
  for (const log of logs) await client.query(`drop table if exists ${logTableOf(log)}`)
  for (const guard of guards) await client.query(`drop function ${guard}`)
  for (const statement of await restOf(client, schema)) await client.query(statement)
  await client.query(`drop schema ${ident(schema)}`)
  return null
}

/** Those of the tables that exist, with their partitions. null: there is no such schema. */
async function relationsOf(
  client: Client,
  schema: string,
  tables: readonly string[],
): Promise<string[] | null> {
  const query = `
    with recursive n as (select oid from pg_namespace where nspname = $1),
    all_of (oid) as (
      select c.oid from n join pg_class c on c.relnamespace = n.oid
        where c.relname = any ($2) and c.relkind in ('r', 'p')
      union select i.inhrelid from all_of a join pg_inherits i on i.inhparent = a.oid)
    select (select count(*) from n)::int as schemas,
      array(select c.relname::text from all_of a join pg_class c on c.oid = a.oid
        join n on n.oid = c.relnamespace order by 1) as names`
  const { rows } = await client.query(query, [schema, tables])
  return rows[0].schemas === 0 ? null : rows[0].names
}

/**
 * Objects of the schema other than these tables, their sequences, enumerations and domains. A move
 * brings the position of a sequence only where a column of its tables takes numbers from it.
 */
async function othersIn(
  client: Client,
  schema: string,
  tables: readonly string[],
): Promise<string[]> {
  const { rows } = await client.query<{ what: string }>(
    `select pg_describe_object(d.classid, d.objid, d.objsubid) as what
    from pg_depend d join pg_namespace n on n.oid = d.refobjid and n.nspname = $1
    where d.refclassid = 'pg_namespace'::regclass
      and not (d.classid = 'pg_class'::regclass and exists (select from pg_class c
        where c.oid = d.objid
          and case c.relkind when 'S' then ${isOfTables} else c.relname = any ($2) end))
      and not (d.classid = 'pg_type'::regclass and exists (select from pg_type t
        where t.oid = d.objid and t.typtype in ('e', 'd')))
    order by 1`,
    [schema, tables],
  )
  return rows.map(({ what }) => what)
}

/** Over `c`, a sequence, and `n`, the schema: an identity or a default of the tables uses it. */
const isOfTables = `(exists (select from pg_depend u join pg_class t on t.oid = u.refobjid
    where u.classid = 'pg_class'::regclass and u.objid = c.oid and u.deptype = 'i'
      and u.refclassid = 'pg_class'::regclass and t.relnamespace = n.oid and t.relname = any ($2))
  or exists (select from pg_depend u join pg_attrdef f on f.oid = u.objid
      join pg_class t on t.oid = f.adrelid
    where u.classid = 'pg_attrdef'::regclass and u.refclassid = 'pg_class'::regclass
      and u.refobjid = c.oid and t.relnamespace = n.oid and t.relname = any ($2)))`

/** Functions that guard the schema's tables, and no other's. */
async function guardsOf(client: Client, schema: string): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `select distinct p.oid::regprocedure::text as name
    from pg_trigger t join pg_class c on c.oid = t.tgrelid
      join pg_namespace n on n.oid = c.relnamespace and n.nspname = $1
      join pg_proc p on p.oid = t.tgfoid and p.pronamespace = to_regnamespace('rehome')
    where p.proname ~ '^guard_[0-9a-f]{12}(_row)?$'`,
    [schema],
  )
  return rows.map(({ name }) => name)
}

/** Statements that drop what the tables have left: sequences of their own, and their types. */
async function restOf(client: Client, schema: string): Promise<string[]> {
  const { rows } = await client.query<{ kind: string; names: string[] }>(
    `select kind, array_agg(name order by name) as names from (
      select 'sequence' as kind, c.relname::text as name
        from pg_class c join pg_namespace n on n.oid = c.relnamespace and n.nspname = $1
        where c.relkind = 'S'
      union all select case t.typtype when 'd' then 'domain' else 'type' end, t.typname::text
        from pg_type t join pg_namespace n on n.oid = t.typnamespace and n.nspname = $1
        where t.typtype in ('e', 'd')) o
    group by kind order by kind`,
    [schema],
  )
  return rows.map(({ kind, names }) => {
    return `drop ${kind} ${names.map((name) => qualified(schema, name)).join(', ')}`
  })
}

/**
 * Whether a batch leaves its rows where they are in the order of their key. The statement itself
 * changes no column of the key, but a trigger, a rule or a key with ON UPDATE CASCADE may: a row
 * that gets a greater key would be met again, and one that gets a smaller key would be left out.
 */
import { RehomeError } from '../../../errors.ts'
import type { SchemaSession } from './session.ts'
import type { Kept } from './transaction-unit.ts'

/** Anything that an UPDATE of the table sets off, apart from rehome's guards. */
export async function setsOffMore({ client }: SchemaSession, table: string): Promise<boolean> {
  const query = `with recursive relations (oid) as (select pg_catalog.to_regclass($1)::oid
      union select i.inhrelid from relations r join pg_catalog.pg_inherits i on i.inhparent = r.oid)
    select exists (select from pg_catalog.pg_trigger t
        join pg_catalog.pg_proc p on p.oid = t.tgfoid
        where t.tgrelid = r.oid and not t.tgisinternal and t.tgenabled <> 'D'
          and p.pronamespace is distinct from pg_catalog.to_regnamespace('rehome'))
      or exists (select from pg_catalog.pg_constraint c
        where c.confrelid = r.oid and c.contype = 'f' and c.confupdtype in ('c', 'n', 'd'))
      or exists (select from pg_catalog.pg_class c where c.oid = r.oid and c.relhasrules) as more
    from relations r`
  const { rows } = await client.query<{ more: boolean }>(query, [table])
  return rows.some(({ more }) => more)
}

interface Batch {
  readonly table: string
  readonly relation: string
  /** Texts of the columns of the key, as a list. */
  readonly keyTexts: string
  /** The batch's part of the table. */
  readonly range: string
}

/** The keys of a batch, which others cannot change meanwhile. */
export function keysOfBatch({ table, relation, keyTexts, range }: Batch): Kept {
  const query = `select array[${keyTexts}]::text as key,
      r.xmin = pg_catalog.pg_current_xact_id()::xid as ours
    from ${table} r where ${range} for key share`
  const refuse: Kept['refuse'] = (before, after) => {
    const [had, has] = [before, after].map((rows) => new Set(rows.map(({ key }) => key)))
    const moved = [
      ...before.filter(({ key }) => !has?.has(key)),
      ...after.filter(({ key, ours }) => ours && !had?.has(key)),
    ]
    if (moved.length === 0) return
    const message =
      `${moved.length} rows of ${relation} got into this batch, or out of it, such as the one with ` +
      `the key ${moved[0]?.key}: a trigger, a rule or ON UPDATE CASCADE changes the key of ` +
      '`rehome:batches`. Name another key, or run the statement without batches'
    throw new RehomeError('PREFLIGHT_FAILED', message)
  }
  return { query, refuse }
}

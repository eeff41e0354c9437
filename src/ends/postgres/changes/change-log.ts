/**
 * The log of a captured tenant's changes, one for each guarded table: SQL text, pure.
 *
 * It holds keys, not statements: who catches up reads the rows as they are by then, so that order
 * and repetitions do not matter. A key stands there as values of the table's own types, before and
 * after the change. The transaction that made it tells which snapshots see it.
 *
 * Rows that find their tenant through a parent change owner, and vanish, with that parent, without
 * a trace of their own: `rehome_children` means that a parent came, went, or became another.
 */

import { createHash } from 'node:crypto'
import type { Pool } from '../../../postgres.ts'
import { ident, idents, literal, qualified } from '../../../quote.ts'
import type { Hold } from '../../flags.ts'
import { statementRows, type TouchedRows } from '../fence/guard-body.ts'
import { turnOf } from '../fence/turns.ts'
import { textsByName } from '../predicate.ts'
import { queryTogether } from '../query-together.ts'

export interface LogShape {
  /** All columns that tell rows apart, here and at the other end, and children's parents. */
  readonly columns: readonly LogColumn[]
  /** Also the old row, as JSON: the other end's key may be made of anything that is in it. */
  readonly whole: boolean
  /** Columns that stand in it as their text, as JSON of their type would not be read back. */
  readonly asText?: readonly string[]
}

export interface LogColumn {
  readonly name: string
  /** The type with its schema, as the catalogue writes it. */
  readonly typeSql: string
}

/** The table and scope of a log. */
export interface Logged {
  readonly scope: string
  readonly schema: string
  readonly table: string
  readonly log: LogShape
}

/** Apart from all else, so that a role can be given all of them by one grant. */
const logSchema = 'rehome_log'

export function logTableOf(logged: Logged): string {
  return qualified(logSchema, nameOf(logged))
}

function nameOf({ scope, schema, table }: Logged): string {
  const key = JSON.stringify([scope, schema, table])
  return `log_${createHash('md5').update(key).digest('hex').slice(0, 12)}`
}

/**
 * Removes entries that are no longer needed, up to a snapshot of this end, or all of the tenant's:
 * while it is this attempt's turn, and where there is such a log.
 */
export async function forgetChanges(
  pool: Pool,
  logs: readonly Logged[],
  { seen, ...hold }: Hold & { readonly seen: string | null },
): Promise<void> {
  const old = seen === null ? '' : ` and pg_visible_in_snapshot(rehome_xid, ${literal(seen)})`
  const names = logs.map(logTableOf)
  const exist = 'select name from unnest($1::text[]) name where to_regclass(name) is not null'
  const tables: { name: string }[] = (await pool.query(exist, [names])).rows
  const whose = `rehome_tenant = ${literal(hold.tenant)} and exists (select from turn)`
  const deletes = tables.map(
    ({ name }) => `${turnOf(hold)} delete from ${name} where ${whose}${old}`,
  )
  await queryTogether(pool, deletes)
}

/**
 * Removes entries of captures that are over: of tenants that are not captured
 * now. Flags and entries are seen by one statement, so that a capture that begins meanwhile loses
 * nothing: its entries come after its flag.
 */
export async function forgetLeftChanges(pool: Pool): Promise<void> {
  const logs = `select format('%I.%I', ${literal(logSchema)}::text, relname) as name from pg_class
    where relnamespace = to_regnamespace(${literal(logSchema)}) and relkind = 'r'`
  for (const { name } of (await pool.query(logs)).rows) {
    const some = `select l.ctid from ${name} l where not exists (select from rehome.tenant_flags f
      where f.tenant_id = l.rehome_tenant and f.mode in ('capturing', 'read_only')) limit 10000`
    const query = `delete from ${name} where ctid = any (array(${some}))`
    while ((await pool.query(query)).rowCount === 10_000);
  }
}

/** Several plans may want to know of one table's changes: it has one log, which does for all. */
export function joinShapes(kept: LogShape | null, more: LogShape | null): LogShape | null {
  if (!kept || !more) return kept ?? more
  const added = more.columns.filter(({ name }) => !kept.columns.some((c) => c.name === name))
  const asText = [...new Set([...(kept.asText ?? []), ...(more.asText ?? [])])]
  const whole = kept.whole || more.whole
  return { columns: [...kept.columns, ...added], whole, ...(asText.length > 0 && { asText }) }
}

/** Harmless where it exists already. What it lacks is added, and null in older entries. */
export function createLogTable(logged: Logged): string[] {
  const name = logTableOf(logged)
  const { schema, table, log } = logged
  const list = [
    'rehome_tenant text not null',
    'rehome_xid xid8 not null default pg_current_xact_id()',
    'rehome_children boolean not null',
    'rehome_row jsonb',
  ]
  const index = ident(`${nameOf(logged)}_seen`)
  return [
    `create table if not exists ${name} (${list.join(', ')})`,
    ...log.columns.flatMap((column) => addColumn(name, column)),
    // Entries are removed, which a publication of all tables refuses without one.
    `alter table ${name} replica identity full`,
    `create index if not exists ${index} on ${name} (rehome_tenant, rehome_xid)`,
    `comment on table ${name} is ${literal(`Changes of captured tenants in ${schema}.${table}`)}`,
  ]
}

/** Values of another type are of no use to anybody. */
function addColumn(log: string, { name, typeSql }: LogColumn): string[] {
  const other = `select from pg_catalog.pg_attribute where attrelid = ${literal(log)}::pg_catalog.regclass
    and attname = ${literal(name)} and atttypid <> ${literal(typeSql)}::pg_catalog.regtype`
  const drop = `begin if exists (${other}) then alter table ${log} drop column ${ident(name)}; end if; end`
  return [
    `do ${literal(drop)}`,
    `alter table ${log} add column if not exists ${ident(name)} ${typeSql}`,
  ]
}

interface LoggedRows {
  /** How a row, by its alias, finds its tenant. */
  readonly tenantOf: (alias: string) => { readonly joins: string; readonly tenant: string }
  /** An SQL condition on an update, whether children may have changed owner. */
  readonly children: string
  /** From where the guard reads rows. Default: all of its statement. */
  readonly rows?: TouchedRows
  /** Until the commit another transaction can give the rows to another tenant. */
  readonly changesHands?: boolean
  /** `one`: all rows that have a tenant are one captured tenant's, and no row changes hands. */
  readonly whose: 'one' | 'captured'
}

/** Types whose equal values have one text, and are compared faster than their texts. */
const sameTextTypes = ['int2', 'int4', 'int8', 'uuid'].map((name) => `pg_catalog.${name}`)

/**
 * Over `r`, a new row: no old one of its tenant has the same in these columns. Rows that come from
 * another tenant were not logged as they go. By text: types may take different values for equal.
 * A null may count as changed.
 */
export function unlikeBefore(
  columns: readonly LogColumn[],
  { tenantOf, rows = statementRows }: Pick<LoggedRows, 'tenantOf' | 'rows'>,
): string {
  const before = tenantOf('o')
  const names = columns.map(({ name }) => ident(name))
  const text = (alias: string) =>
    `row(${names.map((name) => `${alias}.${name}`).join(', ')})::text collate "C"`
  const same = columns.every(({ typeSql }) => sameTextTypes.includes(typeSql))
    ? names.map((name) => `o.${name} = r.${name}`).join(' and ')
    : `${text('o')} = ${text('r')}`
  return `not exists (select from ${rows.old} o${before.joins}
          where ${before.tenant} = ${tenantOf('r').tenant} and ${same})`
}

/** Over a flag `f`: changes are logged, or will be from when this end opens. */
function isFollowed(scope: string): string {
  return `f.scope = ${literal(scope)} and f.mode <> 'moved' and f.tenant_id <> '*'`
}

/** A move writes its own tenant's rows alone, and no other transaction can give these away. */
const isNoMove = `(coalesce(pg_catalog.current_setting('rehome.token', true), '') = '')`

interface AnybodysRows extends Pick<LoggedRows, 'tenantOf' | 'changesHands'> {
  readonly rows: TouchedRows
  /** On `r` and what it is joined with. */
  readonly condition: string
}

/**
 * In a guard: logs rows whose tenant is not known yet, for each tenant whose changes are logged:
 * one of them may have inserted the parent by the time that this transaction commits. Rows that can
 * change hands are logged for all of them anyway, except by a move.
 */
export function logAnybodys(logged: Logged, written: AnybodysRows): string {
  const { tenantOf, condition, rows, changesHands = false } = written
  const { joins } = tenantOf('r')
  const names = logged.log.columns.map(({ name }) => name)
  const keys = names.map((name) => `r.${ident(name)}`).join(', ')
  const insert = (some: string, row: string) => `
    insert into ${logTableOf(logged)} (rehome_tenant, rehome_children, rehome_row, ${idents(names)})
      select f.tenant_id, true, ${row}, ${keys} from ${some} r${joins}, rehome.tenant_flags f
      where ${condition} and ${isFollowed(logged.scope)};`
  return `
  if anybodys${changesHands ? ` and not ${isNoMove}` : ''} then
    if tg_op <> 'INSERT' then${insert(rows.old, oldRow(logged.log))}
    end if;
    if tg_op <> 'DELETE' then${insert(rows.new, noRow)}
    end if;
  end if;`
}

/** The old row `r`, as `jsonb_populate_record` reads it. */
export function wholeRow(asText: readonly string[]): string {
  const all = 'pg_catalog.to_jsonb(r.*)'
  if (asText.length === 0) return all
  return `${all} operator(pg_catalog.||) ${textsByName(asText, textIfThere)}`
}

/**
 * The column of `r` as its text, or null once it is dropped: a name that the row lacks is that of
 * the query around it. So no write fails for a column that the log alone would need.
 */
function textIfThere(column: string): string {
  const name = ident(column)
  return `(select (select ${name}::pg_catalog.text from (select r.*) rehome_row)
      from (select null::pg_catalog.text as ${name}) rehome_absent)`
}

/** No old row; a UNION would not find out its type. */
const noRow = 'null::pg_catalog.jsonb'

function oldRow({ whole, asText = [] }: LogShape): string {
  return whole ? wholeRow(asText) : noRow
}

/**
 * In a guard: logs the rows of the tenants in `captured`, by one statement. Rows that can change
 * hands are logged for every other tenant whose changes are, too, with what is below them: who
 * gives them away does not know what is written here, and this writer does not know who gets them.
 */
export function logRows(logged: Logged, written: LoggedRows): string {
  const { tenantOf, children, rows = statementRows, changesHands = false, whose } = written
  const { joins, tenant } = tenantOf('r')
  const { columns } = logged.log
  const names = columns.map(({ name }) => name)
  const keys = names.map((name) => `r.${ident(name)}`).join(', ')
  const isTheirs = whose === 'one' ? `${tenant} is not null` : `${tenant} = any (rehome_captured)`
  const from = (some: string) => `from ${some} r${joins} where ${isTheirs}`
  const into = `insert into ${logTableOf(logged)} (rehome_tenant, rehome_children, rehome_row, ${idents(names)})`
  const row = oldRow(logged.log)
  const other = unlikeBefore(columns, written)
  const isOwn = `${isTheirs} and ${tenant} = f.tenant_id collate "C"`
  // In one statement with the tenants' own: no row changes hands in between.
  const others = (some: string, old: string) =>
    changesHands
      ? `
        union all select f.tenant_id, true, ${old}, ${keys} from ${some} r${joins}, rehome.tenant_flags f
          where ${isFollowed(logged.scope)} and (${isOwn}) is not true and ${isNoMove}`
      : ''
  const followed = changesHands
    ? ` or ${isNoMove} and exists (select from rehome.tenant_flags f where ${isFollowed(logged.scope)})`
    : ''
  const [assigned, changed] =
    children === 'false'
      ? ['', 'false']
      : [`\n      rehome_changed := ${children};`, 'rehome_changed']
  const log = `
    if tg_op = 'INSERT' then
      ${into} select ${tenant}, true, ${noRow}, ${keys} ${from(rows.new)}${others(rows.new, noRow)};
    elsif tg_op = 'DELETE' then
      ${into} select ${tenant}, true, ${row}, ${keys} ${from(rows.old)}${others(rows.old, row)};
    else${assigned}
      ${into} select ${tenant}, ${changed}, ${row}, ${keys} ${from(rows.old)}${others(rows.old, row)}
        union all select ${tenant}, ${changed}, ${noRow}, ${keys} ${from(rows.new)}
        and (${changed} or ${other})${others(rows.new, noRow)};
    end if;`
  if (whose === 'one') return log
  return `
  if rehome_captured is not null${followed} then${log}
  end if;`
}

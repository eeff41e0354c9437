/**
 * The triggers that make a table ask rehome.check_tenants(): SQL text, pure.
 *
 * They run after the statement, with transition tables, because a check for each row would double
 * the time of bulk writes. Statement triggers are not inherited by partitions, so every relation of
 * a partitioned table gets its own. ENABLE ALWAYS: session_replication_role does not switch them
 * off.
 */
import { createHash } from 'node:crypto'
import type { CatalogTrigger } from '../../../plan/catalogs/catalog.ts'
import { isOwn, type TenantPath } from '../../../plan/routing/path.ts'
import { ident, literal, qualified } from '../../../quote.ts'
import {
  createLogTable,
  joinShapes,
  type LogColumn,
  type Logged,
  type LogShape,
  logAnybodys,
  logRows,
} from '../changes/change-log.ts'
import { tenantJoin } from '../tenant-of-rows.ts'
import {
  type GuardedRows,
  guardBody,
  singleRow,
  statementRows,
  type TouchedRows,
} from './guard-body.ts'

export interface Guarded extends GuardedRows {
  /**
   * The columns that are logged of rows that change while their tenant is captured. null: no tenant
   * is.
   */
  readonly log: LogShape | null
  /** Its guard is taken away once no run needs it, unless another plan has installed it to stay. */
  readonly passing: boolean
  /**
   * Present where only the schema of another tenant was read, which is alike: that tenant's guard.
   * `table` is the other tenant's, and its triggers stand here with this tenant's names.
   */
  readonly like?: Guarded | undefined
}

interface GuardTrigger {
  readonly name: string
  readonly event: string
  readonly body: string
  readonly functionName: string
  /** Present where the function comes with the fence. Absent: it is the table's own. */
  readonly args?: readonly string[]
}

/** Missing or changed triggers as statements, one list a relation; empty where nothing is to do. */
export function missingGuards(asPlanned: Guarded): { relation: string; statements: string[] }[] {
  const guarded = withLogsKept(asPlanned)
  return [guarded.table.name, ...guarded.table.partitions]
    .map((relation) => ({ relation, statements: statementsFor(guarded, relation) }))
    .filter(({ statements }) => statements.length > 0)
}

/** Those statements for one relation of the table. */
export function guardStatements(asPlanned: Guarded, relation: string): string[] {
  return statementsFor(withLogsKept(asPlanned), relation)
}

/** Its log has types of the tenant's schema: the guards of alike schemas have other ones. */
export function logsOwnTypes({ schema, log }: Guarded): boolean {
  const isOwn = (type: string) =>
    [schema, ident(schema)].some((name) => type.startsWith(`${name}.`))
  return log?.columns.some(({ typeSql }) => isOwn(typeSql)) ?? false
}

/** A guard goes on logging what it logs for other plans. */
function withLogsKept(guarded: Guarded): Guarded {
  const { like, log } = guarded
  return { ...guarded, log: joinShapes(shapeKept(like ?? guarded), log) }
}

function statementsFor(guarded: Guarded, relation: string): string[] {
  const { table, like } = guarded
  const asThere = like ? triggersAt({ ...like, log: guarded.log }) : null
  const isMissing = (of: string, trigger: GuardTrigger) =>
    !stands(guarded, of, asThere?.get(trigger.name) ?? trigger)
  const missing = (of: string, triggers: readonly GuardTrigger[]) =>
    triggers.filter((trigger) => isMissing(of, trigger))
  const own = missing(relation, guardTriggers(guarded))
  const inherited = missing(table.name, inheritedTriggers(guarded))
  const isRoot = relation === table.name
  const triggers = [...own, ...(isRoot ? inherited : [])]
  // What needs no lock of the table comes before its writers wait.
  const definitions = new Set(triggers.flatMap((trigger) => defineFunction(guarded, trigger)))
  const statements = [
    ...definitions,
    ...triggers.flatMap((trigger) => attachTrigger(guarded, relation, trigger)),
  ]
  if (isRoot) {
    // Partitions get it as it is here, switched on: those with guards of their own do without.
    const guardedOnes = table.partitions.filter((of) => {
      return inherited.length > 0 && missing(of, guardTriggers(guarded)).length === 0
    })
    return [...statements, ...guardedOnes.flatMap((of) => turnedOff(guarded, of))]
  }
  if (own.length + inherited.length === 0) return statements
  return [...statements, ...turnedOff(guarded, relation)]
}

function turnedOff(guarded: Guarded, relation: string): string[] {
  return inheritedTriggers(guarded).map(({ name }) => turnOff(guarded, relation, name))
}

/** At a partition; at one that has partitions itself those would inherit it as it is there. */
function turnOff({ schema }: Guarded, relation: string, trigger: string): string {
  const name = qualified(schema, relation)
  const isLeaf = `select from pg_catalog.pg_class
    where oid = ${literal(name)}::pg_catalog.regclass and relkind = 'r'`
  const off = `alter table ${name} disable trigger ${ident(trigger)}`
  return `do ${literal(`begin if exists (${isLeaf}) then ${off}; end if; end`)}`
}

/** A plan whose guards stay does not rely on one that another plan takes away. */
function stands(guarded: Guarded, relation: string, trigger: GuardTrigger): boolean {
  const installed = installedAt(guarded, relation, trigger)
  if (!installed?.always || (installed.passing && !guarded.passing)) return false
  const { functionName, args, body } = trigger
  const isMarked = installed.passing && args !== undefined
  return installed.body === (isMarked ? sharedGuard(functionName, [...args, mark]).body : body)
}

function installedAt(
  { table }: Guarded,
  relation: string,
  { name }: Pick<GuardTrigger, 'name'>,
): CatalogTrigger | undefined {
  return table.triggers.find((t) => t.relation === relation && t.name === name)
}

/** The last argument of triggers that are taken away; what counts is that there is one more. */
const mark = 'while moving'

const keeps = '-- keeps '

/** The end of a body that keeps a log: what stands in it. */
function tellsShape(shape: LogShape | null): string {
  return shape ? `\n${keeps}${JSON.stringify(shape)}\n` : ''
}

/** The columns that the existing guard logs, as far as the table still has them. */
function shapeKept({ scope, table }: Guarded): LogShape | null {
  const name = triggerName(scope, 'insert')
  const body = table.triggers.find((t) => t.relation === table.name && t.name === name)?.body
  const at = body?.lastIndexOf(keeps) ?? -1
  if (!body || at < 0) return null
  const { columns, whole, asText }: LogShape = JSON.parse(body.slice(at + keeps.length))
  const stands = ({ name, typeSql }: LogColumn) =>
    table.columns.some((column) => column.name === name && column.typeSql === typeSql)
  const texts = asText?.filter((name) => table.columns.some((column) => column.name === name))
  return { columns: columns.filter(stands), whole, ...(texts && { asText: texts }) }
}

/** The function that a trigger calls, and its logs, where they are the table's own. */
function defineFunction(guarded: Guarded, { args, body, functionName }: GuardTrigger): string[] {
  if (args) return []
  const name = `rehome.${ident(functionName)}()`
  return [
    ...createLogs(guarded),
    `create or replace function ${name} returns trigger\n` +
      '  language plpgsql volatile security definer set search_path = pg_catalog, pg_temp\n' +
      '  set row_security = off\n' +
      `  as ${dollarQuoted(body)}`,
    `revoke all on function ${name} from public`,
  ]
}

function attachTrigger(guarded: Guarded, relation: string, trigger: GuardTrigger): string[] {
  const name = qualified(guarded.schema, relation)
  const installed = installedAt(guarded, relation, trigger)
  const isMarked = guarded.passing && installed?.passing !== false
  const call = [...(trigger.args ?? []), ...(isMarked ? [mark] : [])].map(literal).join(', ')
  return [
    // Without one no reader of the table is waited for, or kept waiting.
    ...(installed ? [`drop trigger if exists ${ident(trigger.name)} on ${name}`] : []),
    `create trigger ${ident(trigger.name)} ${trigger.event.replace('$relation', () => name)}\n` +
      `  execute function rehome.${ident(trigger.functionName)}(${call})`,
    `alter table ${name} enable always trigger ${ident(trigger.name)}`,
  ]
}

function dollarQuoted(body: string): string {
  const tag = `$rehome_${createHash('md5').update(body).digest('hex').slice(0, 8)}$`
  return `${tag}${body}${tag}`
}

/** A body as the catalogue shows it: the function is one for all, its arguments differ. */
function sharedGuard(functionName: string, args: readonly string[]) {
  const hex = Buffer.from(args.map((arg) => `${arg}\0`).join('')).toString('hex')
  return { functionName, args, body: `rehome.${functionName} of ${hex}` }
}

/** Where all rows are one tenant's, one function does for all tables: triggers name the tenant. */
function sharedGuardOf({ scope, path }: Guarded) {
  return path.kind === 'whole' ? sharedGuard('guard_tenant', [scope, path.tenant]) : null
}

function guardTriggers(guarded: Guarded): GuardTrigger[] {
  const { scope, log } = guarded
  const shared = sharedGuardOf(guarded)
  const name = (event: string) => triggerName(scope, event)
  const truncate = {
    ...(shared ?? sharedGuard('refuse_truncate', [scope])),
    name: name('truncate'),
    event: 'before truncate on $relation for each statement',
  }
  if (shared && !log) {
    const events = ['insert', 'update', 'delete'] as const
    const event = (of: string) => `after ${of} on $relation for each statement`
    return [...events.map((of) => ({ ...shared, name: name(of), event: event(of) })), truncate]
  }
  const own = bodyOf(guarded, statementRows)
  const body = `${own}${tellsShape(guarded.log)}`
  const after = (event: string, tables: string) =>
    `after ${event} on $relation referencing ${tables} for each statement`
  const both = 'old table as old_rows new table as new_rows'
  const triggers = [
    { name: name('insert'), event: after('insert', 'new table as new_rows') },
    { name: name('update'), event: after('update', both) },
    { name: name('delete'), event: after('delete', 'old table as old_rows') },
  ].map((trigger) => ({ ...trigger, body, functionName: `guard_${guardId(guarded)}` }))
  return [...triggers, truncate]
}

/** Name → trigger, of all that a guard consists of. */
function triggersAt(guarded: Guarded): Map<string, GuardTrigger> {
  const all = [...guardTriggers(guarded), ...inheritedTriggers(guarded)]
  return new Map(all.map((trigger) => [trigger.name, trigger]))
}

/** For partitions that are made later. */
function inheritedTriggers(guarded: Guarded): GuardTrigger[] {
  if (guarded.table.partitionColumns.length === 0) return []
  const shared = guarded.log ? null : sharedGuardOf(guarded)
  return [
    {
      name: triggerName(guarded.scope, 'row'),
      body: bodyOf(guarded, singleRow),
      functionName: `guard_${guardId(guarded)}_row`,
      ...shared,
      event: 'after insert or update or delete on $relation for each row',
    },
  ]
}

/** The trigger that partitions made later have from their table. Absent: it is not partitioned. */
export function inheritedName(guarded: Guarded): string | undefined {
  return inheritedTriggers(guarded)[0]?.name
}

function guardId({ scope, schema, table }: Guarded): string {
  const text = `${scope}\u0000${schema}.${table.name}`
  return createHash('md5').update(text).digest('hex').slice(0, 12)
}

/** Guards of several scopes stand beside each other. */
function triggerName(scope: string, event: string): string {
  if (scope === 'default') return `rehome_${event}`
  return `rehome_${event}_${createHash('md5').update(scope).digest('hex').slice(0, 8)}`
}

function bodyOf(guarded: Guarded, rows: TouchedRows): string {
  const { schema, path } = guarded
  const tenantOf = (alias: string) => tenantJoin(path, { schema, alias })
  const [logged] = loggedBy(guarded)
  const written = { tenantOf, rows, changesHands: changesHands(path) }
  return guardBody(guarded, {
    rows,
    log: (children, whose) => (logged ? logRows(logged, { ...written, children, whose }) : ''),
    logAnybodys: (condition) => (logged ? logAnybodys(logged, { ...written, condition }) : ''),
  })
}

/** Nothing locks a parent on the way before the commit. */
function changesHands(path: TenantPath): boolean {
  return !isOwn(path) && path.deferrable
}

function createLogs(guarded: Guarded): string[] {
  return loggedBy(guarded).flatMap(createLogTable)
}

/** The table's log: its name and its columns. Empty: there is none. */
function loggedBy({ scope, schema, table, log }: Guarded): Logged[] {
  return log ? [{ scope, schema, table: table.name, log }] : []
}

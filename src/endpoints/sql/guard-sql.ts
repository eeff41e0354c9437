/**
 * The triggers that make a table ask rehome.guard(): SQL text, pure.
 *
 * They run after the statement, with transition tables, because a check for each row would double
 * the time of bulk writes. Statement triggers are not inherited by partitions, so every relation of
 * a partitioned table gets its own. ENABLE ALWAYS: session_replication_role does not switch them
 * off.
 */
import { createHash } from 'node:crypto'
import type { CatalogTable, CatalogTrigger } from '../../plan/catalog.ts'
import type { TenantPath } from '../../plan/path.ts'
import { ident, literal, qualified } from '../../quote.ts'
import {
  createLogTable,
  joinShapes,
  type LogColumn,
  type Logged,
  type LogShape,
  logRows,
} from './change-log.ts'
import { tenantJoin } from './predicate.ts'

export interface Guarded {
  readonly schema: string
  readonly table: CatalogTable
  readonly path: TenantPath
  readonly scope: string
  /** The columns by which rows of other planned tables find their tenant through this one. */
  readonly childKey: readonly string[]
  /** What is kept of rows that change while their tenant is captured. null: no tenant is. */
  readonly log: LogShape | null
}

interface GuardTrigger {
  readonly name: string
  readonly event: string
  readonly body: string
  readonly functionName: string
}

/** Missing or changed triggers as statements, one list a relation; empty where nothing is to do. */
export function missingGuards(wanted: Guarded): { relation: string; statements: string[] }[] {
  // What a guard logs for other plans it goes on logging.
  const guarded = { ...wanted, log: joinShapes(shapeKept(wanted), wanted.log) }
  return [guarded.table.name, ...guarded.table.partitions]
    .map((relation) => ({ relation, statements: statementsFor(guarded, relation) }))
    .filter(({ statements }) => statements.length > 0)
}

function statementsFor(guarded: Guarded, relation: string): string[] {
  return guardTriggers(guarded)
    .filter((trigger) => !stands(guarded.table.triggers, relation, trigger))
    .flatMap((trigger) => installTrigger(guarded, relation, trigger))
}

function stands(
  triggers: readonly CatalogTrigger[],
  relation: string,
  wanted: GuardTrigger,
): boolean {
  const found = triggers.find((t) => t.relation === relation && t.name === wanted.name)
  return found?.always === true && found.body === wanted.body
}

const keeps = '-- keeps '

/** The end of a body that keeps a log: what stands in it. */
function tellsShape(shape: LogShape | null): string {
  return shape ? `\n${keeps}${JSON.stringify(shape)}\n` : ''
}

/** What the guard that stands there logs, as far as the table still has it. */
function shapeKept({ scope, table }: Guarded): LogShape | null {
  const name = triggerName(scope, 'insert')
  const body = table.triggers.find((t) => t.relation === table.name && t.name === name)?.body
  const at = body?.lastIndexOf(keeps) ?? -1
  if (!body || at < 0) return null
  const { columns, whole }: LogShape = JSON.parse(body.slice(at + keeps.length))
  const stands = ({ name, typeSql }: LogColumn) =>
    table.columns.some((column) => column.name === name && column.typeSql === typeSql)
  return { columns: columns.filter(stands), whole }
}

function installTrigger(guarded: Guarded, relation: string, trigger: GuardTrigger): string[] {
  const name = qualified(guarded.schema, relation)
  const truncates = trigger.functionName === 'guard_truncate'
  const call = truncates ? literal(guarded.scope) : ''
  const define = truncates
    ? []
    : [
        ...createLogs(guarded),
        `create or replace function rehome.${ident(trigger.functionName)}() returns trigger\n` +
          '  language plpgsql volatile security definer set search_path = pg_catalog, pg_temp\n' +
          '  set row_security = off\n' +
          `  as ${dollarQuoted(trigger.body)}`,
        `revoke all on function rehome.${ident(trigger.functionName)}() from public`,
      ]
  return [
    ...define,
    `drop trigger if exists ${ident(trigger.name)} on ${name}`,
    `create trigger ${ident(trigger.name)} ${trigger.event.replace('$relation', () => name)}\n` +
      `  execute function rehome.${ident(trigger.functionName)}(${call})`,
    `alter table ${name} enable always trigger ${ident(trigger.name)}`,
  ]
}

function dollarQuoted(body: string): string {
  const tag = `$rehome_${createHash('md5').update(body).digest('hex').slice(0, 8)}$`
  return `${tag}${body}${tag}`
}

/** As the catalogue tells it: the function is one for all, its scope is what differs. */
const truncateBody = (scope: string) => `rehome.guard_truncate of ${scope}`

function guardTriggers(guarded: Guarded): GuardTrigger[] {
  const key = `${guarded.schema}.${guarded.table.name}`
  const id = createHash('md5').update(`${guarded.scope}\u0000${key}`).digest('hex').slice(0, 12)
  const body = `${guardBody(guarded)}${tellsShape(guarded.log)}`
  const after = (event: string, tables: string) =>
    `after ${event} on $relation referencing ${tables} for each statement`
  const both = 'old table as old_rows new table as new_rows'
  const name = (event: string) => triggerName(guarded.scope, event)
  const triggers = [
    { name: name('insert'), event: after('insert', 'new table as new_rows') },
    { name: name('update'), event: after('update', both) },
    { name: name('delete'), event: after('delete', 'old table as old_rows') },
  ].map((trigger) => ({ ...trigger, body, functionName: `guard_${id}` }))
  const truncate = {
    name: name('truncate'),
    body: truncateBody(guarded.scope),
    functionName: 'guard_truncate',
    event: 'before truncate on $relation for each statement',
  }
  return [...triggers, truncate]
}

/** Guards of several scopes stand beside each other. */
function triggerName(scope: string, event: string): string {
  if (scope === 'default') return `rehome_${event}`
  return `rehome_${event}_${createHash('md5').update(scope).digest('hex').slice(0, 8)}`
}

/**
 * Which tenants a statement touched, asked again after the lock where a parent tells the tenant.
 */
function guardBody(guarded: Guarded): string {
  const { schema, path, scope, childKey } = guarded
  const { joins, tenant, nearestParent } = tenantJoin(path, { schema, alias: 'r' })
  const owners = ownersCheck(childKey, { joins, tenant })
  const children = childrenCheck(owners)
  const tenantOf = (alias: string) => tenantJoin(path, { schema, alias })
  const log = logPart(guarded, { tenantOf, children: owners ?? 'false' })
  const collect = (rows: string) =>
    `(select array_agg(distinct ${tenant}) from ${rows} r${joins} where ${tenant} is not null)`
  const touched = (target: string) => `
  ${target} := null;
  if tg_op <> 'INSERT' then ${target} := ${collect('old_rows')}; end if;
  if tg_op <> 'DELETE' then ${target} := ${target} || ${collect('new_rows')}; end if;`
  // What nobody needs is not declared, and not assigned: each costs every write some microseconds.
  const [hear, declared] = guarded.log
    ? ['rehome_captured :=', '\n  rehome_captured text[];\n  rehome_changed boolean;']
    : ['perform', '']
  const ask = `${hear} rehome.guard(${literal(scope)}, touched)`
  const simple = `
declare
  low text;
  high text;
  touched text[];${declared}
begin${lowAndHigh(tenant)}
  if low = high then
    ${hear} rehome.guard_one(${literal(scope)}, low);${log === '' ? '\n    return null;' : ''}
  else${touched('touched')}${children}
    if touched is not null then ${ask}; end if;
  end if;${log}
  return null;
end `
  if (path.kind === 'column') return simple
  const orphan = path.columns.map((column) => `r.${ident(column)} is not null`).join(' and ')
  const anybodys = (rows: string, known: string) =>
    `exists (select from ${rows} r${joins} where ${known} and ${tenant} is null)`
  // A row that loses its parent is guarded by the parent's own delete. Under a key that is checked
  // at commit the parent can be replaced by another tenant's until then, and nothing is locked.
  return `
declare
  touched text[];
  again text[];
  anybodys boolean := false;${declared}
begin${touched('touched')}${children}
  if tg_op <> 'INSERT' then
    anybodys := ${anybodys('old_rows', `${nearestParent} is not null`)};
  end if;
  if tg_op <> 'DELETE' then
    anybodys := anybodys or ${anybodys('new_rows', orphan)};
  end if;
  if ${path.deferrable ? 'true' : 'anybodys'} then perform rehome.guard_any(); end if;
  loop
    if touched is not null then ${ask}; end if;${touched('again')}
    exit when again is null or again <@ touched;
    touched := touched || again;
  end loop;${log}
  return null;
end `
}

/**
 * Nearly every statement touches one tenant. That is found out without sorting, byte by byte, so
 * that no collation takes two tenants for one.
 */
function lowAndHigh(tenant: string): string {
  const rows = (name: string) => `select ${tenant} collate "C" from ${name} r`
  const among = (source: string) => `select min(t), max(t) into low, high from (${source}) r (t);`
  return `
  if tg_op = 'INSERT' then
    ${among(rows('new_rows'))}
  elsif tg_op = 'DELETE' then
    ${among(rows('old_rows'))}
  else
    ${among(`${rows('old_rows')} union all ${rows('new_rows')}`)}
  end if;`
}

/** Did an update change by what other rows find their tenant, or that tenant? null: none do. */
export function ownersCheck(
  childKey: readonly string[],
  { joins, tenant }: { joins: string; tenant: string },
): string | null {
  if (childKey.length === 0) return null
  const columns = [...childKey.map((column) => `r.${ident(column)}`), tenant].join(', ')
  const rows = (name: string) => `select ${columns} from ${name} r${joins}`
  return `exists (${rows('old_rows')} except all ${rows('new_rows')})`
}

/** Where rows change their tenant, whoever hangs on them changes it, too. */
function childrenCheck(owners: string | null): string {
  if (owners === null) return ''
  return `
  if tg_op = 'UPDATE' and exists (select from unnest(touched) t where t <> touched[1]) then
    if ${owners} then
      perform rehome.guard_children(touched);
    end if;
  end if;`
}

function logPart(guarded: Guarded, of: Parameters<typeof logRows>[1]): string {
  const [logged] = loggedBy(guarded)
  return logged ? logRows(logged, of) : ''
}

function createLogs(guarded: Guarded): string[] {
  return loggedBy(guarded).flatMap(createLogTable)
}

/** What the log of the table is called, and what it holds. Empty: there is none. */
function loggedBy({ scope, schema, table, log }: Guarded): Logged[] {
  return log ? [{ scope, schema, table: table.name, log }] : []
}

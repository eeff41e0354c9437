/**
 * The conditions that a guard puts to the rows that were written: SQL text, pure. The same for all
 * rows of a statement and for a single row.
 */
import {
  type AnyPath,
  hasSeveralWays,
  type TenantPath,
  type ThroughPath,
} from '../../../plan/routing/path.ts'
import { ident, literal } from '../../../quote.ts'
import { tenantJoin } from '../tenant-of-rows.ts'
import { type LooseRows, looseCheck, pathlessCheck } from './loose-rows.ts'
import { untoldBy } from './untold-rows.ts'

export interface GuardedRows extends LooseRows {
  readonly path: TenantPath
  /** The columns by which rows of other planned tables find their tenant through this one. */
  readonly childKey: readonly string[]
}

/** From where a guard reads rows as they were and as they are. */
export interface TouchedRows {
  readonly old: string
  readonly new: string
}

export const statementRows: TouchedRows = { old: 'old_rows', new: 'new_rows' }
export const singleRow: TouchedRows = { old: '(select old.*)', new: '(select new.*)' }

interface BodyOf {
  readonly rows: TouchedRows
  /**
   * Makes the statement that logs the rows, from a condition on an update: children may have
   * changed owner. `one`: all rows that have a tenant are the same one's.
   */
  readonly log: (children: string, whose: 'one' | 'captured') => string
  /** Makes the statement that logs rows for all captured tenants, from a condition on the rows. */
  readonly logAnybodys: (condition: string) => string
}

interface OwnersOf {
  readonly joins: string
  readonly tenant: string
  readonly rows?: TouchedRows
  /** A row can have several tenants. */
  readonly several?: boolean
}

/**
 * Which tenants a statement touched, asked again after the lock where a parent tells the tenant.
 */
export function guardBody(guarded: GuardedRows, body: BodyOf): string {
  const { schema, path, scope, childKey } = guarded
  const { joins, tenant } = tenantJoin(path, { schema, alias: 'r' })
  const several = hasSeveralWays(path)
  const owners = ownersCheck(childKey, { joins, tenant, rows: body.rows, several })
  const logging = body.log(owners ?? 'false', 'captured')
  const loggingOne = body.log(owners ?? 'false', 'one')
  // Unused variables are not declared, and not assigned: each costs every write some microseconds.
  const [hear, declared] =
    logging !== ''
      ? ['rehome_captured :=', '\n  rehome_captured text[];\n  rehome_changed boolean;']
      : ['perform', '']
  const parts = {
    owners,
    logging,
    loggingOne,
    hear,
    declared,
    scope: literal(scope),
    tenant,
    joins,
  }
  return `${columnsFirst}${textOf(guarded, body, parts)}`
}

function textOf(guarded: GuardedRows, body: BodyOf, parts: Parts): string {
  const { path } = guarded
  if (path.kind === 'whole') return bodyByTenant(parts)
  return path.kind === 'column'
    ? bodyByColumn(guarded, body, { ...parts, column: path.column })
    : bodyByParents(guarded, body, { ...parts, path })
}

/**
 * Tables may have columns of any name: in a query of the body that is a column, and no variable.
 * Variables that stand in such a query are called `rehome_…`.
 */
const columnsFirst = '\n#variable_conflict use_column'

interface Parts {
  readonly owners: string | null
  readonly logging: string
  /** Logging after a check of one tenant, whose result is no variable: arrays are unpacked. */
  readonly loggingOne: string
  readonly hear: string
  readonly declared: string
  readonly scope: string
  readonly tenant: string
  readonly joins: string
}

/** A constant: no row has to be looked at. */
function bodyByTenant({ loggingOne, declared, scope, tenant }: Parts): string {
  return `${declared && `\ndeclare${declared}`}
begin
  ${checkOne(`${scope}, ${tenant}`, loggingOne)}
  return null;
end `
}

function checkOne(of: string, logging: string): string {
  const check = `rehome.check_tenant(${of})`
  return logging === '' ? `perform ${check};` : `if ${check} is not null then${logging}\n  end if;`
}

function bodyByColumn(
  guarded: GuardedRows,
  { rows }: BodyOf,
  parts: Parts & { readonly column: string },
): string {
  const { owners, logging, loggingOne, hear, declared, scope, tenant, column } = parts
  const { path, table } = guarded
  const mayBeNull = table.columns.some((c) => c.name === column && !c.notNull)
  const mayLeave = owners !== null && mayBeNull
  const leaves = `
  if tg_op = 'UPDATE' then
    leaves := exists (select from ${rows.new} r where ${tenant} is null);
  end if;`
  const collect = (some: string) =>
    `(select array_agg(distinct ${tenant}) from ${some} r where ${tenant} is not null)`
  return `
declare
  low text;
  high text;
  touched text[];${mayLeave ? '\n  leaves boolean := false;' : ''}${declared}
begin${pathlessCheck(guarded, { path, rows })}${lowAndHigh(tenant, rows)}${mayLeave ? leaves : ''}
  if low = high${mayLeave ? ' and not leaves' : ''} then
    ${checkOne(`${scope}, low`, loggingOne)}
    return null;
  end if;
  touched := null;
  if tg_op <> 'INSERT' then touched := ${collect(rows.old)}; end if;
  if tg_op <> 'DELETE' then touched := touched || ${collect(rows.new)}; end if;${childrenCheck(owners, mayLeave)}
  if touched is not null then ${hear} rehome.check_tenants(${scope}, touched); end if;${mayBeNull ? tenantlessCheck(rows, scope) : ''}${logging}
  return null;
end `
}

/**
 * Each look reads tenants, and whether a row may become anybody's, in one snapshot. Between a look
 * and the locks a parent may get another tenant, or lose it. So the last look is one under the
 * locks of all that it finds: none of these parents changes until the commit.
 */
function bodyByParents(
  guarded: GuardedRows,
  { rows, logAnybodys }: BodyOf,
  parts: Parts & { readonly path: ThroughPath | AnyPath },
): string {
  const { owners, logging, hear, declared, scope, tenant, joins, path } = parts
  const tenants = `array_agg(distinct ${tenant}) filter (where ${tenant} is not null)`
  const some = (condition: string) => `coalesce(bool_or(${condition}), false)`
  const untold = untoldBy(path, guarded.schema)
  const [leaves, intoLeaves, declaredLeaves] =
    owners === null
      ? ['', '', '']
      : [`, ${some(`${tenant} is null`)}`, ', leaves', '\n  leaves boolean := false;']
  // Under a key that is checked at commit the parent can be replaced by another tenant's until
  // then, and nothing is locked.
  const always = path.deferrable ? '\n  perform rehome.lock_any_tenant();' : ''
  return `
declare
  touched text[];
  rehome_again text[];
  rehome_orphans boolean;
  anybodys boolean := false;${declaredLeaves}${declared}
begin${always}
  loop
    rehome_again := null;
    rehome_orphans := false;
    if tg_op <> 'INSERT' then
      select ${tenants}, ${some(untold.old)} into rehome_again, rehome_orphans from ${rows.old} r${joins};
    end if;
    if tg_op <> 'DELETE' then
      select rehome_again || ${tenants}, rehome_orphans or ${some(untold.new)}${leaves}
        into rehome_again, rehome_orphans${intoLeaves} from ${rows.new} r${joins};
    end if;
    exit when (rehome_again is null or rehome_again <@ touched) and (anybodys or not rehome_orphans);
    touched := touched || rehome_again;${childrenCheck(owners, true)}
    if rehome_orphans and not anybodys then
      anybodys := true;
      perform rehome.lock_any_tenant();${logAnybodys(untold.new)}${looseCheck(guarded, { path, rows, condition: untold.new })}
    end if;
    if touched is not null then ${hear} rehome.check_tenants(${scope}, touched); end if;
  end loop;${tenantlessCheck(rows, scope)}${pathlessCheck(guarded, { path, rows })}${logging}
  return null;
end `
}

/** Rows of no tenant are refused where the whole application is. No row is none of them. */
function tenantlessCheck(rows: TouchedRows, scope: string): string {
  return `
  if touched is null then
    if tg_op = 'DELETE' then
      perform 1 from ${rows.old} r limit 1;
    else
      perform 1 from ${rows.new} r limit 1;
    end if;
    if found then perform rehome.check_tenantless(${scope}); end if;
  end if;`
}

/**
 * Nearly every statement touches one tenant. That is found out without sorting, byte by byte, so
 * that no collation takes two tenants for one.
 */
function lowAndHigh(tenant: string, rows: TouchedRows): string {
  const tenants = (name: string) => `select ${tenant} collate "C" from ${name} r`
  const among = (source: string) => `select min(t), max(t) into low, high from (${source}) r (t);`
  return `
  if tg_op = 'INSERT' then
    ${among(tenants(rows.new))}
  elsif tg_op = 'DELETE' then
    ${among(tenants(rows.old))}
  else
    ${among(`${tenants(rows.old)} union all ${tenants(rows.new)}`)}
  end if;`
}

/** Did an update change by what other rows find their tenant, or that tenant? null: none do. */
export function ownersCheck(
  childKey: readonly string[],
  { joins, tenant, rows = statementRows, several = false }: OwnersOf,
): string | null {
  if (childKey.length === 0) return null
  const columns = [...childKey.map((column) => `r.${ident(column)}`), tenant].join(', ')
  const owners = (name: string) => `select ${columns} from ${name} r${joins}`
  const differ = (one: string, other: string) =>
    `exists (${owners(one)} except all ${owners(other)})`
  // A row of several ways can get one more tenant and keep what it had.
  return several
    ? `(${differ(rows.old, rows.new)} or ${differ(rows.new, rows.old)})`
    : differ(rows.old, rows.new)
}

/**
 * Rows that change their tenant, or lose it, change that of their dependents, too. One that gets
 * its first tenant does not need this: the writers of its dependents hold the lock of any tenant.
 */
function childrenCheck(owners: string | null, mayLeave: boolean): string {
  if (owners === null) return ''
  const several = 'exists (select from unnest(touched) t where t <> touched[1])'
  return `
    if tg_op = 'UPDATE' and (${several}${mayLeave ? ' or leaves' : ''}) then
      if ${owners} then
        perform rehome.exclude_writers(touched);
      end if;
    end if;`
}

/**
 * The conditions that a guard puts to the rows that were written: SQL text, pure. The same for all
 * rows of a statement and for a single row.
 */
import { isUndeclared, stepsOf, type TenantPath } from '../../../plan/routing/path.ts'
import { ident, literal } from '../../../quote.ts'
import { applies, tenantJoin } from '../tenant-of-rows.ts'
import { type LooseRows, looseCheck } from './loose-rows.ts'

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
   * changed owner.
   */
  readonly log: (children: string) => string
  /** Makes the statement that logs rows for all captured tenants, from a condition on the rows. */
  readonly logAnybodys: (condition: string) => string
}

interface OwnersOf {
  readonly joins: string
  readonly tenant: string
  readonly rows?: TouchedRows
}

/**
 * Which tenants a statement touched, asked again after the lock where a parent tells the tenant.
 */
export function guardBody(guarded: GuardedRows, { rows, log, logAnybodys }: BodyOf): string {
  const { schema, path, scope, childKey } = guarded
  const { joins, tenant, nearestParent } = tenantJoin(path, { schema, alias: 'r' })
  const owners = ownersCheck(childKey, { joins, tenant, rows })
  const children = childrenCheck(owners)
  const logging = log(owners ?? 'false')
  const collect = (some: string) =>
    `(select array_agg(distinct ${tenant}) from ${some} r${joins} where ${tenant} is not null)`
  const touched = (target: string) => `
  ${target} := null;
  if tg_op <> 'INSERT' then ${target} := ${collect(rows.old)}; end if;
  if tg_op <> 'DELETE' then ${target} := ${target} || ${collect(rows.new)}; end if;`
  // Unused variables are not declared, and not assigned: each costs every write some microseconds.
  const [hear, declared] =
    logging !== ''
      ? ['rehome_captured :=', '\n  rehome_captured text[];\n  rehome_changed boolean;']
      : ['perform', '']
  const ask = `${hear} rehome.check_tenants(${literal(scope)}, touched)`
  const simple = `
declare
  low text;
  high text;
  touched text[];${declared}
begin${lowAndHigh(tenant, rows)}
  if low = high then
    ${hear} rehome.check_tenant(${literal(scope)}, low);${logging === '' ? '\n    return null;' : ''}
  else${touched('touched')}${children}
    if touched is not null then ${ask}; end if;
  end if;${logging}
  return null;
end `
  if (path.kind === 'column') return simple
  const orphan = isOrphan(path)
  const anybodys = (some: string, knownTenant: string) =>
    `exists (select from ${some} r${joins} where ${knownTenant} and ${tenant} is null)`
  // A row that loses its parent is guarded by the parent's own delete. Under a key that is checked
  // at commit the parent can be replaced by another tenant's until then, and nothing is locked.
  return `
declare
  touched text[];
  again text[];
  anybodys boolean := false;${declared}
begin${touched('touched')}${children}
  if tg_op <> 'INSERT' then
    anybodys := ${anybodys(rows.old, isUndeclared(path) ? orphan : `${nearestParent} is not null`)};
  end if;
  if tg_op <> 'DELETE' then
    anybodys := anybodys or ${anybodys(rows.new, orphan)};
  end if;
  if ${path.deferrable ? 'true' : 'anybodys'} then perform rehome.lock_any_tenant(); end if;${logAnybodys(`${tenant} is null and ${orphan}`)}${looseCheck(guarded, { path, rows: rows.new })}
  loop
    if touched is not null then ${ask}; end if;${touched('again')}
    exit when again is null or again <@ touched;
    touched := touched || again;
  end loop;${logging}
  return null;
end `
}

/** Over `r`: it refers to a parent, which tells no tenant or is not there. */
function isOrphan(path: TenantPath): string {
  return `(${stepsOf(path)
    .map((step) => applies(step, 'r'))
    .join(' or ')})`
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
  { joins, tenant, rows = statementRows }: OwnersOf,
): string | null {
  if (childKey.length === 0) return null
  const columns = [...childKey.map((column) => `r.${ident(column)}`), tenant].join(', ')
  const owners = (name: string) => `select ${columns} from ${name} r${joins}`
  return `exists (${owners(rows.old)} except all ${owners(rows.new)})`
}

/** Rows that change their tenant change that of their dependents, too. */
function childrenCheck(owners: string | null): string {
  if (owners === null) return ''
  return `
  if tg_op = 'UPDATE' and exists (select from unnest(touched) t where t <> touched[1]) then
    if ${owners} then
      perform rehome.exclude_writers(touched);
    end if;
  end if;`
}

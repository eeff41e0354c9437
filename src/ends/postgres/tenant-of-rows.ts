/**
 * How the rows of a tenant are found, and the tenant of a row: the only place that defines it. Pure
 * SQL text; every statement of ours carries it.
 *
 * A row belongs by its schema, by its column, through a parent, or by one of several ways, one of
 * which may lead to rows of the same table: at any depth, as far as rows refer to each other.
 */
import type { AnyPath, Step, TenantPath, ThroughPath } from '../../plan/routing/path.ts'
import { ident, literal, qualified } from '../../quote.ts'
import { builtinEqual, hasParentAmong, isParent, type Reference } from './matching.ts'

/** The parameters of a statement whose text is the same for all tenants. */
export class TenantParameters {
  readonly values: string[] = []

  /** Returns its place. Each use has its own: a tenant's columns may have different types. */
  add(value: string): string {
    this.values.push(value)
    return `$${this.values.length}`
  }
}

interface Tenanted {
  readonly schema: string
  readonly alias: string
  readonly tenant: string
  /** Absent: the tenant is a literal. */
  readonly parameters?: TenantParameters | undefined
}

/** `alias.tenant_id = '…'`, or a chain of `= any (select …)` up to the tenant's column. */
export function tenantPredicate(path: TenantPath, at: Tenanted): string {
  if (path.kind === 'column') {
    const tenant = at.parameters?.add(at.tenant) ?? literal(at.tenant)
    return `${at.alias}.${ident(path.column)} ${builtinEqual} ${tenant}`
  }
  // A schema has no row of another tenant.
  if (path.kind === 'whole') return path.tenant === at.tenant ? 'true' : 'false'
  if (path.kind === 'any') return isAmongOurs(path, at)
  return stepPredicate(path, at)
}

/** A condition: the row goes this way, and its parent is the tenant's. */
function stepPredicate(path: ThroughPath, at: Tenanted): string {
  const parentAlias = `${at.alias}p`
  const parents = path.parentColumns.map((column) => `${parentAlias}.${ident(column)}`).join(', ')
  const parent = `${qualified(at.schema, path.parent)} ${parentAlias}`
  const above = tenantPredicate(path.path, { ...at, alias: parentAlias })
  const own = (column: string) => `${at.alias}.${ident(column)}`
  const among = hasParentAmong(path, own, `select ${parents} from ${parent} where ${above}`)
  return `${goesThisWay(path, at.alias)}${among}`
}

/** Joins that lead from `alias` to its tenant, and the expression that is the tenant there. */
export function tenantJoin(
  path: TenantPath,
  at: { schema: string; alias: string },
): { joins: string; tenant: string; nearestParent: string | null } {
  if (path.kind === 'column') {
    return { joins: '', tenant: `${at.alias}.${ident(path.column)}::text`, nearestParent: null }
  }
  if (path.kind === 'whole') {
    const tenant = `${literal(path.tenant)}::pg_catalog.text`
    return { joins: '', tenant, nearestParent: null }
  }
  if (path.kind === 'any') return anyTenantJoin(path, at)
  const alias = `${at.alias}p`
  const on = isParent(
    path,
    (name) => `${alias}.${ident(name)}`,
    (name) => `${at.alias}.${ident(name)}`,
  )
  const above = tenantJoin(path.path, { schema: at.schema, alias })
  return {
    joins: ` left join ${qualified(at.schema, path.parent)} ${alias} on ${on}${above.joins}`,
    tenant: above.tenant,
    nearestParent: `${alias}.${ident(path.parentColumns[0] ?? '')}`,
  }
}

/** `… and `, where only some rows go this way. */
export function goesThisWay(step: Pick<Step, 'when'>, alias: string): string {
  return step.when === undefined ? '' : `${holds(step.when, alias)} and `
}

/** The plan's condition calls its row `r`. */
function holds(when: string, alias: string): string {
  return `(select (${when}) from (select ${alias}.*) r)`
}

/** A condition: the row has what this way needs. */
export function applies(step: Pick<Step, 'when' | 'columns'>, alias: string): string {
  const filled = step.columns.map((name) => `${alias}.${ident(name)} is not null`)
  return `(${goesThisWay(step, alias)}${filled.join(' and ')})`
}

const own = (alias: string) => (name: string) => `${alias}.${ident(name)}`

function keyReference({ key, keyEquals }: AnyPath): Reference {
  return { columns: key, parentColumns: key, ...(keyEquals && { equals: keyEquals }) }
}

function isAmongOurs(path: AnyPath, at: Tenanted): string {
  const alias = `${at.alias}q`
  const from = `${qualified(at.schema, path.table)} ${alias}`
  const keys = path.key.map(own(alias)).join(', ')
  // Made where it is used: what is not in the statement would have parameters without a type.
  const ours = () => {
    const direct = path.ways
      .map((way) => `select ${keys} from ${from} where ${stepPredicate(way, { ...at, alias })}`)
      .join(' union ')
    return withDescendants(path, at, direct)
  }
  if (!path.keyMayBeNull) return hasParentAmong(keyReference(path), own(at.alias), ours())
  // A row without that key is found by what it refers to alone.
  const byWays = path.ways.map((way) => stepPredicate(way, at))
  const bySelves = path.selves.map(
    (self) => `${goesThisWay(self, at.alias)}${hasParentAmong(self, own(at.alias), ours())}`,
  )
  return `(${[...byWays, ...bySelves].map((one) => `(${one})`).join(' or ')})`
}

/** Keys that a query selects, and those of all rows of the table below these, at any depth. */
export function withDescendants(
  path: AnyPath,
  { schema }: { readonly schema: string },
  keys: string,
): string {
  if (path.selves.length === 0) return keys
  const names = path.key.map((_, i) => `k${i}`)
  const below = path.selves.map((self) => {
    const theirs = (name: string) => `t.k${path.key.indexOf(name)}`
    return `(${goesThisWay(self, 'c')}${isParent(self, theirs, own('c'))})`
  })
  const select = path.key.map(own('c')).join(', ')
  return `with recursive rehome_tree (${names.join(', ')}) as ((${keys}) union
      select ${select} from rehome_tree t join ${qualified(schema, path.table)} c
        on ${below.join(' or ')})
    select ${names.join(', ')} from rehome_tree`
}

/** One row for each tenant that a way leads to; one without a tenant where none does. */
function anyTenantJoin(
  path: AnyPath,
  { schema, alias }: { schema: string; alias: string },
): { joins: string; tenant: string; nearestParent: string } {
  const tenants = tenantsOf(path, { schema, alias })
  const parents = [...path.ways, ...path.selves].map((step) => {
    const parent = `${qualified(schema, step.parent)} ${alias}n`
    const match = isParent(step, own(`${alias}n`), own(alias))
    return `exists (select from ${parent} where ${goesThisWay(step, alias)}${match})`
  })
  return {
    joins: ` left join lateral (select distinct v.t from (${tenants}) v (t) where v.t is not null) ${alias}x on true`,
    tenant: `${alias}x.t`,
    nearestParent: `case when ${parents.join(' or ')} then 1 end`,
  }
}

/** A query of the tenants of a row, some of them more than once. */
export function tenantsOf(path: AnyPath, { schema, alias }: { schema: string; alias: string }) {
  const direct = (of: string) =>
    path.ways.map((way, i) => {
      const parent = `${of}p${i}`
      const above = tenantJoin(way.path, { schema, alias: parent })
      const match = isParent(way, own(parent), own(of))
      return `select ${above.tenant} from ${qualified(schema, way.parent)} ${parent}${above.joins}
        where ${goesThisWay(way, of)}${match}`
    })
  if (path.selves.length === 0) return direct(alias).join(' union all ')
  const ancestor = `${alias}a`
  const names = path.key.map((_, i) => `k${i}`)
  const parentsOf = (of: string) =>
    path.selves
      .map((self) => `(${goesThisWay(self, of)}${isParent(self, own(ancestor), own(of))})`)
      .join(' or ')
  const table = qualified(schema, path.table)
  const keys = path.key.map(own(ancestor)).join(', ')
  const isRow = isParent(keyReference(path), own('b'), (_, i) => `u.k${i}`)
  const up = `with recursive rehome_up (${names.join(', ')}) as (
      select ${keys} from ${table} ${ancestor} where ${parentsOf(alias)} union
      select ${keys} from rehome_up u join ${table} b on ${isRow}
        join ${table} ${ancestor} on ${parentsOf('b')})`
  const inherited = direct('b').map((query) => `(${query})`)
  return `${direct(alias).join(' union all ')} union all
    (${up} select i.t from rehome_up u join ${table} b on ${isRow}
      cross join lateral (${inherited.join(' union all ')}) i (t))`
}

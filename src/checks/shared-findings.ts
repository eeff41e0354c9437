/** Requirements of tables with rows of everybody at both ends. Pure. */
import type { CatalogForeignKey, CatalogTable, Finding } from '../plan/catalogs/catalog.ts'
import type { Plan } from '../plan/plan.ts'
import type { Route } from '../plan/routing/route.ts'
import type { Routing } from '../plan/routing/routes.ts'
import { sharingOf } from '../plan/routing/shared-routes.ts'
import { wayBack } from '../plan/routing/way-back.ts'
import type { Checked } from './check.ts'
import { sharedIdMessages } from './shared-id-findings.ts'

type Catalogs = Pick<Checked, 'source' | 'target'>

export function sharedTableFindings({ plan, routing, ...catalogs }: Checked): Finding[] {
  return routing.shared.flatMap((route) => {
    const where = `shared table "${route.source.name}"`
    const overHttp = requestMessages(plan, route)
    if (overHttp.length > 0) return overHttp.map((message) => ({ where, message }))
    const messages = [
      ...sameTable(route, catalogs),
      ...unknownColumns(route),
      ...sharedIdMessages(plan, route, routing),
      ...keysMissing(route),
      ...deferrableKeys(route),
      ...ownedParents(route, routing),
      ...ownAncestors(route, routing),
      ...privileges('target', route),
      ...(plan.rollback.windowMs > 0 ? wayBackMissing(route) : []),
    ]
    return messages.map((message) => ({ where, message }))
  })
}

/** Limits of an end that is asked by requests, each of which is a transaction of its own. */
function requestMessages(plan: Plan, route: Route): string[] {
  const { source, target, sharedIds } = route
  const byRequests = [plan.source, plan.target].filter(({ kind }) => kind !== 'sql')
  if (byRequests.length === 0) return []
  if (byRequests.some(({ kind }) => kind === 'api'))
    return ['needs ends that know rows of everybody']
  const unlisted = [
    plan.source.kind === 'http' && !source.shared ? ['source'] : [],
    plan.target.kind === 'http' && !target.shared ? ['target'] : [],
  ].flat()
  const follows = plan.strategy === 'online' || plan.rollback.windowMs > 0
  return [
    ...unlisted.map((end) => `is not shared at the ${end}: list it there with \`shared(…)\``),
    ...(plan.target.kind === 'http' ? notAllowed(route) : []),
    follows
      ? [
          'comes with changes that an end over HTTP cannot follow: move offline, with `rollback: { windowMs: 0 }`',
        ]
      : [],
    sharedIds ? ['has `newIds`, which are made by SQL: they need databases at both ends'] : [],
  ].flat()
}

/** Changes that the target's own list keeps from every plan. */
function notAllowed(route: Route): string[] {
  const { missing, differing } = sharingOf(route)
  const there = route.target.shared
  if (!there) return []
  const options = [
    missing === 'insert' && there.missing !== 'insert' ? ['missing', missing] : [],
    differing === 'update' && there.differing !== 'update' ? ['differing', differing] : [],
  ].filter((option) => option.length > 0)
  return options.map(
    ([name, value]) =>
      `has \`${name}: '${value}'\`, which the target does not allow: list it there with that, or set \`${name}: 'refuse'\` here`,
  )
}

function sameTable({ source, target }: Route, catalogs: Catalogs): string[] {
  const { source: here, target: there } = catalogs
  const isSame =
    here.database === there.database && here.schema === there.schema && source.name === target.name
  return isSame ? ['is the same table at both ends: put it into `exclude`'] : []
}

function unknownColumns(route: Route): string[] {
  const unknown = sharingOf(route).compare?.find(
    (name) => !route.columns.some(({ from }) => from === name),
  )
  return unknown === undefined ? [] : [`compares column "${unknown}", which it does not bring`]
}

function keysMissing({ target, targetKey, columns }: Route): string[] {
  const isKey = target.uniques.some((unique) =>
    unique.columns.every((name) => targetKey.includes(name)),
  )
  const names = targetKey.join(', ')
  if (!isKey) return [`finds rows by (${names}), which no unique index of the target has`]
  const unfilled = targetKey.find((name) => !columns.some((column) => column.name === name))
  return unfilled === undefined ? [] : [`finds rows by "${unfilled}", which the plan does not fill`]
}

/** `on conflict do nothing` is refused beside such a constraint. */
function deferrableKeys(route: Route): string[] {
  if (sharingOf(route).missing !== 'insert') return []
  const key = route.target.uniques.find(({ deferrable }) => deferrable)
  if (!key) return []
  return [
    `has the deferrable constraint "${key.name}" at the target, beside which PostgreSQL inserts no row that may be there: make that anew without DEFERRABLE, or bring the rows first and set \`missing: 'refuse'\``,
  ]
}

/** A row of everybody may not need a row that moves with one tenant. */
function ownedParents(route: Route, { targets }: Routing): string[] {
  const key = broughtKeys(route).find(({ parent }) =>
    targets.some(({ table }) => table.name === parent),
  )
  if (!key) return []
  const names = key.columns.map((name) => `'${name}'`).join(', ')
  return [
    `refers by "${key.name}" to "${key.parent}", whose rows are a tenant's: leave that out, \`columns: { drop: [${names}] }\``,
  ]
}

/** Rows are inserted in batches, parents first, so none may need one of its own table. */
function ownAncestors(route: Route, { shared }: Routing): string[] {
  if (sharingOf(route).missing !== 'insert') return []
  const { name } = route.target
  return broughtKeys(route).flatMap(({ name: key, columns, parent }) => {
    if (!reaches(parent, name, shared)) return []
    const names = columns.map((column) => `'${sourceName(route, column)}'`).join(', ')
    const where = parent === name ? 'rows of the same table' : `"${parent}", and from there back`
    return [
      `refers by "${key}" to ${where}, so its rows cannot be inserted: leave that out, \`columns: { drop: [${names}] }\`, or bring the rows first and set \`missing: 'refuse'\``,
    ]
  })
}

/** Whether references lead from one table to the other, over shared tables alone. */
function reaches(from: string, to: string, shared: readonly Route[]): boolean {
  const visited = new Set<string>()
  const look = [from]
  for (let next = look.pop(); next !== undefined; next = look.pop()) {
    if (next === to) return true
    if (visited.has(next)) continue
    visited.add(next)
    const route = shared.find(({ target }) => target.name === next)
    if (route) look.push(...broughtKeys(route).map(({ parent }) => parent))
  }
  return false
}

/** Declared references whose columns are brought. */
function broughtKeys({ target, columns }: Route): CatalogForeignKey[] {
  return target.foreignKeys.filter(
    (key) =>
      !key.undeclared && key.columns.every((name) => columns.some((one) => one.name === name)),
  )
}

function sourceName({ columns }: Route, name: string): string {
  return columns.find((column) => column.name === name)?.from ?? name
}

/** Rows are locked until those that refer to them are committed, which needs UPDATE. */
function privileges(end: 'source' | 'target', route: Route): string[] {
  const inserts = sharingOf(route).missing === 'insert' ? ['INSERT'] : []
  const table: CatalogTable = route.target
  return ['SELECT', 'UPDATE', ...inserts]
    .filter((privilege) => !table.privileges.includes(privilege))
    .map((privilege) => `our role has no ${privilege} privilege at the ${end}`)
}

function wayBackMissing(route: Route): string[] {
  const back = wayBack(route)
  const blocked = back.blocked
    ? [
        `a rollback cannot bring its rows back, as ${back.blocked}; set \`rollback: { windowMs: 0 }\``,
      ]
    : []
  return [...blocked, ...privileges('source', back)]
}

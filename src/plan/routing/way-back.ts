import { hasNewIds } from '../new-ids.ts'
import type { TablePlan } from '../plan.ts'
import { asItIs, type ColumnRoute, renamed, tenantAs } from './columns.ts'
import { conversionOf } from './conversion.ts'
import type { Route } from './route.ts'
import { isShared } from './ways.ts'

/** `blocked` where the plan does not define how its rows go back. */
export function wayBack(route: Route): Route {
  const { source, target, plan } = route
  const columns = plan.invert
    ? target.columns.map(asItIs)
    : [...columnsBack(route), ...tenantBack(route)]
  const renumbered = hasNewIds(route)
  const blocked = plan.invert && !renumbered ? null : reasonAgainst(route, columns)
  return {
    source: target,
    target: source,
    sourcePath: route.targetPath,
    targetPath: route.sourcePath,
    sourceKey: route.targetKey,
    targetKey: route.sourceKey,
    columns,
    newIds: {},
    transform: plan.invert,
    plan: planBack(route, columns),
    selfReference: source.foreignKeys.some((key) => key.parent === source.name),
    ...(route.sharedIds && { sharedIds: route.sharedIds }),
    backOf: route,
    ...(blocked !== null && { blocked }),
  }
}

function columnsBack({ source, target, columns, plan }: Route): ColumnRoute[] {
  return columns.flatMap(({ name, ids }) => {
    const from = target.columns.find((column) => column.name === name)
    const to = source.columns.find(
      (column) => !plan.columns.drop.includes(column.name) && renamed(plan, column.name) === name,
    )
    if (!from || !to || to.generated || isComputed(plan, name)) return []
    const castTo = from.typeName === to.typeName ? null : to.typeName
    const back = ids && { ids: { ...ids, at: 'source' as const } }
    return [{ ...asItIs(from), name: to.name, castTo, ...back }]
  })
}

/** The tenant's column, which a schema of the tenant's own does without. */
function tenantBack({ source, target, sourcePath, targetPath }: Route): ColumnRoute[] {
  if (sourcePath.kind !== 'column' || targetPath.kind !== 'whole') return []
  const { column: name } = sourcePath
  const column = source.columns.find((one) => one.name === name)
  if (!column || target.columns.some((one) => one.name === name)) return []
  return [tenantAs(column, targetPath.tenant)]
}

function isComputed(plan: TablePlan, name: string): boolean {
  return Object.hasOwn(plan.columns.compute, name)
}

function planBack({ source, target, plan }: Route, columns: readonly ColumnRoute[]): TablePlan {
  const rename = Object.fromEntries(
    columns
      .map(({ name }) => [renamed(plan, name), name] as const)
      .filter(([from, to]) => from !== to),
  )
  const kept = columns.map(({ name }) => renamed(plan, name))
  const drop = target.columns.map(({ name }) => name).filter((name) => !kept.includes(name))
  return {
    kind: 'table',
    name: target.name,
    to: source.name,
    columns: { drop: plan.invert ? [] : drop, rename: plan.invert ? {} : rename, compute: {} },
    transform: plan.invert,
  }
}

function reasonAgainst(route: Route, columns: readonly ColumnRoute[]): string | null {
  const { source, target, transform, stream } = route
  if (hasNewIds(route)) return 'its rows have other ids'
  if (stream) return `it is filled by stream "${stream.name}"`
  if (transform) return 'its transform has no `invert`'
  const back = (name: string) => columns.some((column) => column.name === name)
  const key = route.sourceKey.find((name) => !back(name))
  if (key !== undefined) return `no column of the target has the source's key "${key}"`
  const empty = source.columns.find(
    ({ name, notNull, hasDefault, identity, generated }) =>
      !back(name) && !generated && (identity || (notNull && !hasDefault)),
  )
  if (empty) return `no column of the target has the source's column "${empty.name}"`
  const narrow = route.sourceKey.find((name) => mayChangeKey(route, columns, name))
  if (narrow !== undefined) return `the source's key "${narrow}" cannot hold all keys of the target`
  // A shared row stays where it is: what is not compared may differ between the ends.
  if (isShared(route.plan)) return null
  const homeless = target.columns.find(
    ({ name, generated }) => !generated && !route.columns.some((column) => column.name === name),
  )
  if (homeless) return `the source has no place for the target's column "${homeless.name}"`
  return null
}

/** A key that is cut to fit is another row's. An integer that does not fit is refused instead. */
function mayChangeKey(route: Route, columns: readonly ColumnRoute[], name: string): boolean {
  const to = route.source.columns.find((column) => column.name === name)
  const own = columns.find((column) => column.name === name)?.from
  const from = route.target.columns.find((column) => column.name === own)
  if (!from || !to || conversionOf(from, to) !== 'lossy') return false
  return ![from, to].every(({ typeName }) => /^int[248]$/.test(typeName))
}

/**
 * Columns that may stay as they are at the end where a row comes back to: the way back may bring
 * nothing into them. Which of them an `invert` returns is known with its first row.
 */
export function columnsLeft({ backOf, target, columns, targetKey }: Route): readonly string[] {
  if (!backOf) return []
  const { invert } = backOf.plan
  const isBrought = (name: string) => columns.some((column) => column.name === name)
  return target.columns
    .filter(({ name, generated, identity }) => {
      if (generated) return false
      return invert ? !identity && !targetKey.includes(name) : !isBrought(name)
    })
    .map(({ name }) => name)
}

/** Requirements of rows of everybody that have other ids at the other end. Pure. */
import type { CatalogTable } from '../plan/catalogs/catalog.ts'
import type { Plan } from '../plan/plan.ts'
import { renamed } from '../plan/routing/columns.ts'
import type { Route } from '../plan/routing/route.ts'
import type { Routing } from '../plan/routing/routes.ts'
import { idTypes } from '../plan/routing/shared-ids.ts'
import { sharingOf, tellingOf } from '../plan/routing/shared-routes.ts'

export function sharedIdMessages(plan: Plan, route: Route, routing: Routing): string[] {
  const { newIds } = sharingOf(route)
  if (!newIds) return []
  return [
    ...idMessages(route),
    ...tellingMessages(route, newIds.by),
    ...referringMessages(plan, route, routing),
  ]
}

function idMessages({ source, target, sourceKey, targetKey }: Route): string[] {
  if (sourceKey.length > 1 || targetKey.length > 1) {
    return ['`newIds` need a primary key of one column at both ends']
  }
  return [[source, sourceKey[0]] as const, [target, targetKey[0]] as const].flatMap(
    ([table, name = '']) => typeMessages(table, name),
  )
}

function typeMessages({ name: table, columns }: CatalogTable, name: string): string[] {
  const column = columns.find((one) => one.name === name)
  if (!column || idTypes.includes(column.typeName)) return []
  const types = idTypes.join(', ')
  return [`\`newIds\` are for ids of ${types}, and "${table}.${name}" is ${column.typeText}`]
}

/** One row of each end at most is the same: both ends have to keep it so. */
function tellingMessages(route: Route, by: readonly string[]): string[] {
  const unread = by.find((name) => !route.columns.some(({ from, ids }) => from === name && !ids))
  if (unread !== undefined) {
    return [`\`newIds.by\` names column "${unread}", which does not arrive as it is`]
  }
  const at = { source: by, target: tellingOf(route) }
  return [
    ...unlikeMessages(route, by),
    ...(['source', 'target'] as const).flatMap((end) => {
      const { columns, uniques } = route[end]
      const names = at[end].join(', ')
      const isKept = uniques.some((unique) =>
        unique.columns.every((name) => at[end].includes(name)),
      )
      const isNull = columns.find(({ name, notNull }) => at[end].includes(name) && !notNull)
      return [
        ...(isKept ? [] : [`no unique index at the ${end} has (${names}), which \`newIds\` name`]),
        ...(isNull ? [`"${isNull.name}" may be null at the ${end}, and \`newIds\` name it`] : []),
      ]
    }),
  ]
}

/** Two rows of one end could be one row of the other. */
function unlikeMessages({ source, target, columns }: Route, by: readonly string[]): string[] {
  return by.flatMap((name) => {
    const to = columns.find(({ from }) => from === name)?.name
    const here = source.columns.find((one) => one.name === name)
    const there = target.columns.find((one) => one.name === to)
    const isAlike =
      here?.typeName === there?.typeName && (here?.collation ?? null) === (there?.collation ?? null)
    return isAlike ? [] : [`"${name}" compares otherwise at the target, and \`newIds\` name it`]
  })
}

/** References have to be read as they are. */
function referringMessages(plan: Plan, route: Route, { routes, shared }: Routing): string[] {
  const ways = route.plan.through ?? []
  return ways.flatMap(({ to }) => {
    const [name = ''] = to?.columns ?? []
    const where = `"${to?.table}.${name}" refers to its rows`
    const other = [...routes, ...shared].find(({ source }) => source.name === to?.table)
    if (!other || other.stream) {
      const isRead = plan.tables.some((one) => one.kind === 'table' && one.name === to?.table)
      return isRead ? [`${where}, and \`newIds\` do not reach what a stream makes of it`] : []
    }
    const isComputed = Object.hasOwn(other.plan.columns.compute, renamed(other.plan, name))
    return [
      ...(other.transform ? [`${where}, and \`newIds\` cannot pass its table's transform`] : []),
      ...(isComputed ? [`${where}, and \`newIds\` cannot pass \`columns.compute\``] : []),
      ...typeMessages(other.source, name),
    ]
  })
}

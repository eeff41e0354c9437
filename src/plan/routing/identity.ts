/** The identity of a row across both ends. Pure. */
import { renamed } from './columns.ts'
import type { Route } from './route.ts'

/**
 * Source columns whose values, as they are, make these columns of the target, in their order. null:
 * only the plan's transform or expressions tell, or the ids of shared rows.
 */
export function sourceOf(route: Route, targetColumns: readonly string[]): readonly string[] | null {
  const { plan, source, transform, columns } = route
  const isTranslated = (name: string) => columns.some((one) => one.name === name && one.ids)
  if (transform || targetColumns.some(isTranslated)) return null
  const sources = targetColumns.map((name) =>
    Object.hasOwn(plan.columns.compute, name)
      ? undefined
      : source.columns.find(
          (column) =>
            !plan.columns.drop.includes(column.name) && renamed(plan, column.name) === name,
        )?.name,
  )
  return sources.every((name) => name !== undefined) ? sources : null
}

/**
 * The columns to keep of a row that changes at the source, so that it is found again at both ends:
 * columns of the source, and whether these are not enough.
 */
export function keptOf(
  route: Route,
  childKey: { readonly source: readonly string[]; readonly target: readonly string[] },
): { columns: readonly string[]; whole: boolean } {
  const elsewhere = sourceOf(route, [...route.targetKey, ...childKey.target])
  const columns = [...route.sourceKey, ...childKey.source, ...(elsewhere ?? [])]
  return { columns: [...new Set(columns)], whole: elsewhere === null }
}

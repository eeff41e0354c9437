/** Reads a row's key on its way through a route. */

import type { Texts } from '../ends/tenant-rows.ts'
import type { Route } from '../plan/routing/route.ts'
import type { TransformContext } from '../plan/transform-context.ts'
import { TextRow } from '../values/text-row.ts'
import { RowTransform, unchanged } from './transform-rows.ts'

/** The target's columns of a row, as the route makes them. */
export function keyReader(
  route: Route,
  names: readonly string[],
  context: TransformContext,
): (texts: Texts) => Texts | null {
  if (!route.transform) {
    const at = names.map((name) => route.columns.findIndex((column) => column.name === name))
    return (texts) => at.map((index) => texts[index] ?? null)
  }
  const row = new TextRow(route.columns)
  const transform = new RowTransform(route, context, row)
  transform.plainRows = true
  return (texts) => {
    row.stand(texts)
    const outcomes = transform.apply()
    if (!outcomes) return null
    return names.map((name) => {
      const index = transform.columns.indexOf(name)
      const outcome = outcomes[index] ?? null
      return outcome === unchanged
        ? (texts[transform.fields?.[index]?.from ?? -1] ?? null)
        : outcome
    })
  }
}

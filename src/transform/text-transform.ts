/** The mappers of rows that are texts: as they are, by a table's transform, or by a stream's. */

import type { Texts } from '../ends/tenant-rows.ts'
import type { Route } from '../plan/routing/route.ts'
import type { TransformContext } from '../plan/transform-context.ts'
import { TextRow } from '../values/text-row.ts'
import { namedRow } from './source-rows.ts'
import { mapStream } from './stream-mapper.ts'
import { createQuarantine, holdsNothing, type TextMapper } from './text-mapper.ts'
import { RowTransform, unchanged } from './transform-rows.ts'

/** `plainRows`: what one row leaves on another inside of the transform would be seen. */
export function mapperOf(
  route: Route,
  context: TransformContext,
  options: { readonly plainRows: boolean },
): TextMapper {
  if (route.stream) return mapStream(route, route.stream, context)
  return route.transform ? mapTransformed(route, context, options) : mapAsTheyAre(route)
}

function mapAsTheyAre(route: Route): TextMapper {
  const columns = route.columns.map(({ name }) => name)
  return { ...holdsNothing, columns: () => columns, map: (rows) => [...rows] }
}

function mapTransformed(
  route: Route,
  context: TransformContext,
  { plainRows }: { readonly plainRows: boolean },
): TextMapper {
  const row = new TextRow(route.columns)
  const transform = new RowTransform(route, context, row)
  if (plainRows) transform.plainRows = true
  const quarantine = createQuarantine(route.plan.quarantine ?? 0)
  const mapRow = (fields: Texts): Texts | null => {
    row.stand(fields)
    const outcomes = transform.apply()
    if (!outcomes) return null
    return (transform.fields ?? []).map(({ from }, i) => {
      const outcome = outcomes[i] ?? null
      return outcome === unchanged ? (fields[from] ?? null) : outcome
    })
  }
  return {
    ...holdsNothing,
    takeQuarantined: quarantine.take,
    columns: () => transform.columns,
    map: (rows, asRead = rows) =>
      rows.flatMap((fields, i) => {
        try {
          const mapped = mapRow(fields)
          return mapped ? [mapped] : []
        } catch (error) {
          quarantine.add(error, namedRow(route, asRead[i] ?? fields))
          return []
        }
      }),
  }
}

/** The plan's transform over rows that are texts. */
import type { TransformContext } from '../plan/plan.ts'
import type { Route } from '../plan/routes.ts'
import { TextRow } from './sql/text-row.ts'
import { RowTransform, unchanged } from './sql/transform-rows.ts'
import type { Texts } from './tenant-rows.ts'

/** What becomes of a row on its way. null: it is left out. */
export interface TextMapper {
  /** The target's columns that are filled; none before a row was let through. */
  readonly columns: () => readonly string[]
  map(fields: Texts): Texts | null
}

/** `plainRows`: what one row leaves on another inside of the transform would be seen. */
export function transformTexts(
  route: Route,
  context: TransformContext,
  options: { readonly plainRows: boolean },
): TextMapper {
  const row = new TextRow(route.columns)
  const transform = new RowTransform(route, context, row)
  if (options.plainRows) transform.plainRows = true
  return {
    columns: () => transform.columns,
    map(fields) {
      row.stand(fields)
      const outcomes = transform.apply()
      if (!outcomes) return null
      return (transform.fields ?? []).map(({ from }, i) => {
        const outcome = outcomes[i] ?? null
        return outcome === unchanged ? (fields[from] ?? null) : outcome
      })
    },
  }
}

/** Rows come as they are. */
export function passTexts(route: Route): TextMapper {
  const columns = route.columns.map(({ name }) => name)
  return { columns: () => columns, map: (fields) => fields }
}

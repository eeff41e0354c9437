/** Rows of the source, as they are shown. */

import type { Texts } from '../ends/tenant-rows.ts'
import type { Route } from '../plan/routing/route.ts'

/** A row of the source, as a person looks for it. */
export function namedRow(
  { columns, sourceKey }: Pick<Route, 'columns' | 'sourceKey'>,
  fields: Texts,
): { key: string; row: Record<string, string | null> } {
  const row = Object.fromEntries(columns.map(({ name }, i) => [name, fields[i] ?? null]))
  const at = (name: string) => columns.findIndex(({ from }) => from === name)
  return { key: `(${sourceKey.map((name) => fields[at(name)] ?? '').join(',')})`, row }
}

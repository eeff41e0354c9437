/**
 * Looks for rows of other tenants at the target that already have a key the moving tenant will
 * bring. Keys pass through in batches as text; memory does not grow with the tenant.
 */

import type { Reading, Rows } from '../ends/rows.ts'
import { hasNewIds } from '../plan/new-ids.ts'
import type { Route } from '../plan/routing/route.ts'

/** Up to 20 keys, as text. Empty where the target's key is unknown before the transform. */
export async function collidingKeys(
  ends: { source: Rows; target: Rows },
  route: Route,
  reading: Omit<Reading, 'columns'>,
): Promise<string[]> {
  const columns = keyAtSource(route)
  if (!columns) return []
  const found: string[] = []
  for await (const { rows: keys } of ends.source.pages({ ...reading, columns })) {
    const asked = { table: route.target, key: route.targetKey, keys }
    found.push(...(await ends.target.existingKeys(asked)))
    if (found.length >= 20) break
  }
  return found.slice(0, 20)
}

/** null: the target's key is unknown before the transform. */
export function keyAtSource(route: Route): Route['columns'] | null {
  if (route.transform || route.stream || hasNewIds(route)) return null
  const columns = route.targetKey.map((name) => route.columns.find((c) => c.name === name))
  return columns.every((column) => column !== undefined) ? columns : null
}

/**
 * Looks for rows of other tenants at the target that already have a key the moving tenant will
 * bring. Keys pass through as text: few at once, many in batches, so that memory does not grow with
 * the tenant.
 */

import { fewAtOnce, heavierOf } from '../ends/postgres/relations.ts'
import type { Reading, Rows } from '../ends/rows.ts'
import { hasNewIds } from '../plan/new-ids.ts'
import type { Route } from '../plan/routing/route.ts'

interface Both {
  readonly source: Rows
  readonly target: Rows
}

type ReadingOf = (route: Route) => Omit<Reading, 'columns'>

/** The most keys that a look at one table returns. */
export const keysMax = 20

/** The keys of so many rows are read and looked for at once. */
const rowsAtOnce = 1_000

export interface Colliding {
  readonly route: Route
  /** Up to `keysMax` keys, as text. */
  readonly keys: readonly string[]
}

/** The first table with such keys. `rows`: about how many rows the tenant has. */
export async function firstColliding(
  ends: Both,
  routes: readonly Route[],
  { rows, readingOf }: { readonly rows: number; readonly readingOf: ReadingOf },
): Promise<Colliding | null> {
  const { readAll } = ends.source
  if (readAll && rows <= rowsAtOnce) {
    const keyed = routes.flatMap((route) => {
      const columns = keyAtSource(route)
      return columns ? [{ route, reading: { ...readingOf(route), columns } }] : []
    })
    for (const some of fewAtOnce(keyed, ({ route }) => [heavierOf(route.source, route.target)])) {
      const keys = await readAll(some.map(({ reading }) => reading))
      const lookups = some.map(({ route: { target, targetKey } }, i) => {
        return { table: target, key: targetKey, keys: keys[i] ?? [] }
      })
      const existing = await ends.target.existingKeys(lookups)
      const collisions = some.map(({ route }, i) => ({
        route,
        keys: (existing[i] ?? []).slice(0, keysMax),
      }))
      const first = collisions.find((one) => one.keys.length > 0)
      if (first) return first
    }
    return null
  }
  for (const route of routes) {
    const keys = await collidingKeys(ends, route, readingOf(route))
    if (keys.length > 0) return { route, keys }
  }
  return null
}

/** Keys as a message counts them. */
export function countText(keys: readonly string[]): string {
  return keys.length === keysMax ? `${keysMax} or more` : String(keys.length)
}

/** Why a move with these keys would end with ID_COLLISION. */
export function collisionText({ route, keys }: Colliding): string {
  return `"${route.target.name}" at the target already has ${countText(keys)} of the tenant's keys, e.g. ${keys[0]}`
}

/** Up to `keysMax` keys, as text. Empty where the target's key is unknown before the transform. */
async function collidingKeys(
  ends: Both,
  route: Route,
  reading: Omit<Reading, 'columns'>,
): Promise<string[]> {
  const columns = keyAtSource(route)
  if (!columns) return []
  const colliding: string[] = []
  for await (const { rows: keys } of ends.source.pages({ ...reading, columns })) {
    const lookup = { table: route.target, key: route.targetKey, keys }
    colliding.push(...(await ends.target.existingKeys([lookup])).flat())
    if (colliding.length >= keysMax) break
  }
  return colliding.slice(0, keysMax)
}

/** null: the target's key is unknown before the transform, or before shared rows are there. */
export function keyAtSource(route: Route): Route['columns'] | null {
  if (route.transform || route.stream || hasNewIds(route)) return null
  const columns = route.targetKey.map((name) => route.columns.find((c) => c.name === name))
  return columns.every((column) => column !== undefined) && !columns.some(({ ids }) => ids)
    ? columns
    : null
}

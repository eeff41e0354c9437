/** Tables in an order that puts parents before children (Kahn's algorithm), or the circle. Pure. */
import type { CatalogTable } from './catalog.ts'

export interface Order {
  /** All names; those of a circle come last, in their given order. */
  readonly names: readonly string[]
  /** Tables that wait for each other. A table that points at itself is no circle. */
  readonly cycle: readonly string[]
}

export function parentsFirst(tables: readonly CatalogTable[]): Order {
  const waiting = new Map(tables.map((table) => [table.name, parentsOf(table, tables)]))
  const names: string[] = []
  for (;;) {
    const free = [...waiting].find(([, parents]) => [...parents].every((p) => names.includes(p)))
    if (!free) break
    names.push(free[0])
    waiting.delete(free[0])
  }
  const cycle = inCircle(waiting)
  return { names: [...names, ...waiting.keys()], cycle }
}

function parentsOf(table: CatalogTable, among: readonly CatalogTable[]): Set<string> {
  const known = new Set(among.map((other) => other.name))
  const parents = table.foreignKeys.map((key) => key.parent)
  return new Set(parents.filter((name) => name !== table.name && known.has(name)))
}

/** Of those left waiting, the ones somebody else waits for; the rest only hang on the circle. */
function inCircle(waiting: ReadonlyMap<string, ReadonlySet<string>>): string[] {
  let left = [...waiting.keys()]
  for (;;) {
    const needed = left.filter((name) => left.some((other) => waiting.get(other)?.has(name)))
    if (needed.length === left.length) return left
    left = needed
  }
}

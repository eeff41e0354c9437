/** Tables in an order that puts parents before children (Kahn's algorithm). Pure. */
import type { CatalogTable } from '../catalogs/catalog.ts'

export interface Order {
  /** All names. Those of a circle stand among each other in their given order. */
  readonly names: readonly string[]
  /** Tables that wait for themselves, over others. One that points only at itself is no circle. */
  readonly cycle: readonly string[]
  /** Those tables, each circle by itself. */
  readonly circles: readonly (readonly string[])[]
}

type Parents = ReadonlyMap<string, ReadonlySet<string>>

export function parentsFirst(tables: readonly CatalogTable[]): Order {
  const all = new Set(tables.map(({ name }) => name))
  const parents: Parents = new Map(tables.map((table) => [table.name, parentsOf(table, all)]))
  const ancestors: Parents = new Map(
    [...parents.keys()].map((name) => [name, ancestorsOf(name, parents)]),
  )
  const inCircle = (name: string, other: string) =>
    ancestors.get(name)?.has(other) && ancestors.get(other)?.has(name)
  const waiting = new Set(parents.keys())
  const names: string[] = []
  while (waiting.size > 0) {
    // Circles wait for what is above them as a whole, so that some table is always free.
    const free = [...waiting].find((name) =>
      [...(ancestors.get(name) ?? [])].every((a) => !waiting.has(a) || inCircle(name, a)),
    )
    if (free === undefined) break
    names.push(free)
    waiting.delete(free)
  }
  const cycle = names.filter((name) => ancestors.get(name)?.has(name))
  const circleOf = (name: string) => cycle.filter((other) => inCircle(name, other))
  const circles = cycle.map(circleOf).filter((circle, i) => circle[0] === cycle[i])
  return { names, cycle, circles }
}

function parentsOf(table: CatalogTable, names: ReadonlySet<string>): Set<string> {
  const keys = [...table.foreignKeys, ...table.partitionKeys]
  const parents = keys.map((key) => key.parent)
  return new Set(parents.filter((name) => name !== table.name && names.has(name)))
}

function ancestorsOf(name: string, parents: Parents): Set<string> {
  const ancestors = new Set<string>()
  const look = [...(parents.get(name) ?? [])]
  for (let next = look.pop(); next !== undefined; next = look.pop()) {
    if (ancestors.has(next)) continue
    ancestors.add(next)
    look.push(...(parents.get(next) ?? []))
  }
  return ancestors
}

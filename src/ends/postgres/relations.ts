/**
 * How much one transaction may look at. A server has room for the locks of about 64 relations a
 * session, and that room is everybody's: who takes it all makes the statements of others fail.
 */
import { inLists } from '../../parallel.ts'
import type { CatalogTable } from '../../plan/catalogs/catalog.ts'

/** Relations that one transaction locks: tables, their partitions, and the indexes of both. */
const relationsAtOnce = 100

/** The relations that a look at the table locks, as far as they are known. */
function relationsOf({ partitions, uniques }: CatalogTable): number {
  return (1 + partitions.length) * (1 + uniques.length)
}

/** The one of which a transaction locks more relations. */
export function heavierOf(one: CatalogTable, other: CatalogTable): CatalogTable {
  return relationsOf(one) < relationsOf(other) ? other : one
}

/** The looks in lists, in order, each short enough for one transaction at one end. */
export function* fewAtOnce<T>(
  looks: readonly T[],
  tablesOf: (look: T) => readonly CatalogTable[],
): Generator<T[]> {
  let some: T[] = []
  // Locked once, however many looks are at it.
  let locked = new Map<string, CatalogTable>()
  for (const look of looks) {
    const tables = tablesOf(look).map((table) => [table.name, table] as const)
    const all = new Map([...locked, ...tables])
    const relations = [...all.values()].reduce((sum, table) => sum + relationsOf(table), 0)
    if (some.length > 0 && relations > relationsAtOnce) {
      yield some
      some = []
      locked = new Map()
    }
    some.push(look)
    for (const [name, table] of tables) locked.set(name, table)
  }
  if (some.length > 0) yield some
}

/** The names in lists, each short enough for one statement. */
export function fewNames<T>(names: readonly T[]): Iterable<T[]> {
  return inLists(names, () => 1, { most: relationsAtOnce })
}

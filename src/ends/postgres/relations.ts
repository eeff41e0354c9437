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

/**
 * A partitioned table and all partitions below it, as a query with the column `relid`; none where
 * it is not partitioned. It reads the catalogue: the function pg_partition_tree() keeps a lock of
 * each partition until its statement ends, and a session that drops one could end in a deadlock.
 * `root`: an expression.
 */
export function partitionTree(root: string): string {
  return `(with recursive tree (relid) as (
    select p.partrelid from pg_catalog.pg_partitioned_table p where p.partrelid = ${root}
    union all
    select i.inhrelid from pg_catalog.pg_inherits i join tree on i.inhparent = tree.relid)
    select relid from tree)`
}

/** Which tables a plan can express, because their ways lead over tables that it has. Pure. */
import type { Catalog, CatalogTable } from '../catalogs/catalog.ts'
import { keysOfTable } from '../routing/tables.ts'
import type { ClassifiedTable, KeyTo, Referrer, TypeTarget } from './belonging.ts'
import type { TenantCandidate } from './tenant-candidates.ts'

export interface Scaffold {
  readonly source: Catalog
  /** Absent: it was not read. */
  readonly target?: Catalog | undefined
  readonly tenant: TenantCandidate
  readonly tables: readonly ClassifiedTable[]
  /** Names of the environment variables with the URLs. */
  readonly sourceFrom: string
  readonly targetFrom: string
}

/** Its way leads over planned tables alone. `visited`: tables whose rows these may belong by. */
export function isPlannable(
  one: ClassifiedTable,
  scaffold: Scaffold,
  visited: readonly string[] = [],
): boolean {
  const { belonging, table } = one
  if (belonging.kind === 'column') return !scaffold.target || scaffold.target.tables.has(table)
  if (belonging.kind === 'any of') {
    const primary = primaryKey(scaffold.source.tables.get(table))
    const all = belonging.keys.every(({ parent }) =>
      isPlanned(parent, one, { scaffold, seen: visited }),
    )
    return (
      primary !== undefined && all && belonging.keys.every((key) => isSayable(key, one, scaffold))
    )
  }
  if (belonging.kind === 'polymorphic') return usableTargets(one, scaffold, visited).length > 0
  if (belonging.kind === 'referred to')
    return isOwnable(one, belonging.by, { scaffold, seen: visited })
  if (belonging.kind === 'shared') return isShareable(one, scaffold, visited)
  if (belonging.kind !== 'through' && belonging.kind !== 'undeclared') return false
  const parent = scaffold.tables.find((other) => other.table === belonging.parent)
  if (belonging.kind === 'through' && !isDeclared(belonging, one, scaffold)) return false
  return parent !== undefined && isPlannable(parent, scaffold, visited)
}

/** Types whose tables are planned: one may be the table itself. */
export function usableTargets(
  one: ClassifiedTable,
  scaffold: Scaffold,
  visited: readonly string[] = [],
): readonly TypeTarget[] {
  const { belonging, table } = one
  if (belonging.kind !== 'polymorphic' || !primaryKey(scaffold.source.tables.get(table))) return []
  const above = [...visited, table]
  const others = belonging.targets.filter(({ parent }) => {
    return !above.includes(parent) && isPlanned(parent, one, { scaffold, seen: above })
  })
  const own = belonging.targets.filter(({ parent }) => parent === table)
  return others.length > 0 ? [...others, ...own] : []
}

/** Some table that is planned, or shared, refers to its rows, and the target has such a table. */
function isShareable(
  one: ClassifiedTable,
  scaffold: Scaffold,
  visited: readonly string[],
): boolean {
  const { source, target } = scaffold
  return (
    primaryKey(source.tables.get(one.table)) !== undefined &&
    (target?.tables.has(one.table) ?? true) &&
    usableReferrers(one, scaffold, visited).length > 0
  )
}

/** Columns by which a plan can declare that rows are referred to: no table belongs by itself. */
export function usableReferrers(
  { table: own, belonging }: ClassifiedTable,
  scaffold: Scaffold,
  visited: readonly string[] = [],
): Referrer[] {
  if (belonging.kind !== 'shared' && belonging.kind !== 'referred to') return []
  const above = [...visited, own]
  return belonging.by.filter(({ table, columns }) => {
    const referrer = scaffold.tables.find((other) => other.table === table)
    if (!referrer || columns.length > 1 || above.includes(table)) return false
    return isPlannable(referrer, scaffold, above)
  })
}

/** Each referring table is planned, and refers by one column. */
function isOwnable(
  one: ClassifiedTable,
  by: readonly Referrer[],
  { scaffold, seen }: Seen,
): boolean {
  const key = primaryKey(scaffold.source.tables.get(one.table))
  return key !== undefined && usableReferrers(one, scaffold, seen).length === by.length
}

/** A plan can say it: by its declared key, or as a reference to the primary key of a table. */
function isSayable(key: KeyTo, one: ClassifiedTable, scaffold: Scaffold): boolean {
  const table = scaffold.source.tables.get(one.table)
  const isKey = ({ columns }: KeyTo) => columns.join('\0') === key.columns.join('\0')
  return isDeclared(key, one, scaffold) || !(table && keysOfTable(table).some(isKey))
}

export function isDeclared(
  { columns }: KeyTo,
  { table }: ClassifiedTable,
  { source }: Pick<Scaffold, 'source'>,
): boolean {
  const keys = source.tables.get(table)?.foreignKeys ?? []
  return keys.some((key) => key.columns.join('\0') === columns.join('\0'))
}

/** The parent is the table itself, or planned. */
export function isPlannedParent(parent: string, one: ClassifiedTable, scaffold: Scaffold): boolean {
  return isPlanned(parent, one, { scaffold, seen: [] })
}

interface Seen {
  readonly scaffold: Scaffold
  readonly seen: readonly string[]
}

function isPlanned(parent: string, one: ClassifiedTable, { scaffold, seen }: Seen): boolean {
  const entry = scaffold.tables.find(({ table }) => table === parent)
  return parent === one.table || (entry !== undefined && isPlannable(entry, scaffold, seen))
}

export function primaryKey(table: CatalogTable | undefined): readonly string[] | undefined {
  return table?.uniques.find(({ primary }) => primary)?.columns
}

/** Parents before children, then by name. */
export function parentsBefore({ tables }: Scaffold): ClassifiedTable[] {
  const depth = (
    { table, belonging }: ClassifiedTable,
    visited: readonly string[] = [],
  ): number => {
    const kind = belonging.kind
    if (kind === 'any of' || kind === 'polymorphic') {
      const above = kind === 'any of' ? belonging.keys : belonging.targets
      const others = above.map(({ parent }) => tables.find(({ table }) => table === parent))
      const depths = others.flatMap((one) => {
        return one && one.table !== table && !visited.includes(one.table)
          ? depth(one, [...visited, table])
          : []
      })
      return 1 + Math.max(0, ...depths)
    }
    if (belonging.kind === 'referred to') {
      const referrers = tables.filter((one) => belonging.by.some((by) => by.table === one.table))
      return 1 + Math.max(0, ...referrers.map((one) => depth(one, visited)))
    }
    if (belonging.kind !== 'through' && belonging.kind !== 'undeclared') return 0
    const parent = tables.find(({ table }) => table === belonging.parent)
    return 1 + (parent ? depth(parent, visited) : 0)
  }
  return tables.toSorted((a, b) => depth(a) - depth(b) || (a.table < b.table ? -1 : 1))
}

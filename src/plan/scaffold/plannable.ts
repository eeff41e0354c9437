/** Which tables a plan can say, because their ways lead over tables that it has. Pure. */
import type { Catalog, CatalogTable } from '../catalogs/catalog.ts'
import type { ClassifiedTable, KeyTo } from './belonging.ts'
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

/** Its way leads over planned tables alone. */
export function isPlannable(one: ClassifiedTable, scaffold: Scaffold): boolean {
  const { belonging, table } = one
  if (belonging.kind === 'column') return !scaffold.target || scaffold.target.tables.has(table)
  if (belonging.kind === 'any of') {
    const primary = primaryKey(scaffold.source.tables.get(table))
    const all = belonging.keys.every(({ parent }) => isPlannedParent(parent, one, scaffold))
    return (
      primary !== undefined && all && belonging.keys.every((key) => isDeclared(key, one, scaffold))
    )
  }
  if (belonging.kind !== 'through' && belonging.kind !== 'undeclared') return false
  const parent = scaffold.tables.find((other) => other.table === belonging.parent)
  if (belonging.kind === 'undeclared') return parent !== undefined && isPlannable(parent, scaffold)
  return (
    isDeclared(belonging, one, scaffold) && parent !== undefined && isPlannable(parent, scaffold)
  )
}

function isDeclared({ columns }: KeyTo, { table }: ClassifiedTable, { source }: Scaffold): boolean {
  const keys = source.tables.get(table)?.foreignKeys ?? []
  return keys.some((key) => key.columns.join('\0') === columns.join('\0'))
}

/** The parent is the table itself, or planned. */
export function isPlannedParent(parent: string, one: ClassifiedTable, scaffold: Scaffold): boolean {
  const found = scaffold.tables.find(({ table }) => table === parent)
  return parent === one.table || (found !== undefined && isPlannable(found, scaffold))
}

export function primaryKey(table: CatalogTable | undefined): readonly string[] | undefined {
  return table?.uniques.find(({ primary }) => primary)?.columns
}

/** Parents before children, then by name. */
export function parentsBefore({ tables }: Scaffold): ClassifiedTable[] {
  const depth = ({ table, belonging }: ClassifiedTable): number => {
    if (belonging.kind === 'any of') {
      const others = belonging.keys.map(({ parent }) =>
        tables.find(({ table }) => table === parent),
      )
      const depths = others.flatMap((one) => (one && one.table !== table ? depth(one) : []))
      return 1 + Math.max(0, ...depths)
    }
    if (belonging.kind !== 'through' && belonging.kind !== 'undeclared') return 0
    const parent = tables.find(({ table }) => table === belonging.parent)
    return 1 + (parent ? depth(parent) : 0)
  }
  return tables.toSorted((a, b) => depth(a) - depth(b) || (a.table < b.table ? -1 : 1))
}

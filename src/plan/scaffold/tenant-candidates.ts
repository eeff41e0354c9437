/** Which table of a schema holds the tenants, and which column elsewhere refers to it. Pure. */
import type { Catalog, CatalogColumn, CatalogTable } from '../catalogs/catalog.ts'
import { keysOfTable } from '../routing/tables.ts'
import { namesOf } from './table-names.ts'

export interface TenantCandidate {
  /** The table of the tenants; null: only columns of other tables hold their ids. */
  readonly table: string | null
  /** Its column with the tenant's id. */
  readonly id: string
  /** The column of most other tables with it. */
  readonly column: string
  /** Tables that have this column, or a key to the table. */
  readonly direct: number
  /** Tables that lead to it by any number of keys. */
  readonly reached: number
}

const usualNames =
  /^(tenant|organi[sz]ation|org|account|workspace|compan(y|ie)|team|customer|client|shop|store|merchant|school|clinic|site)s?$/i
const usualColumns =
  /^(tenant|organi[sz]ation|org|account|workspace|company|team|customer|client|shop|store|merchant|school|clinic|site)_?id$/i

/** Best first. One that is named as tenants usually are counts more than one that is not. */
export function tenantCandidates(catalog: Catalog): TenantCandidate[] {
  const tables = [...catalog.tables.values()]
  const candidates = tables.flatMap((table) => candidateOf(catalog, table) ?? [])
  const columns = candidates.map(({ column }) => column)
  const all = [
    ...candidates,
    ...columnsAlone(tables).filter(({ column }) => !columns.includes(column)),
  ]
  return all.filter(({ direct }) => direct > 0).sort((a, b) => scoreOf(b) - scoreOf(a))
}

/** The one candidate that no other comes near; null: a person has to choose. */
export function clearCandidate(candidates: readonly TenantCandidate[]): TenantCandidate | null {
  const [first, second] = candidates
  if (!first || (second && scoreOf(first) < 1.5 * scoreOf(second))) return null
  return first
}

function scoreOf(candidate: TenantCandidate): number {
  const { table, column, direct, reached } = candidate
  const isUsual = table === null ? usualColumns.test(column) : usualNames.test(withoutPrefix(table))
  return (direct + reached) * (isUsual ? 3 : 1)
}

/** `app_organizations` is named as `organizations` is. */
function withoutPrefix(name: string): string {
  return name.split('_').at(-1) ?? name
}

/** A table by whose single key others refer to it. */
export function candidateOf(catalog: Catalog, table: CatalogTable): TenantCandidate | null {
  const id = table.uniques.find(({ primary }) => primary)?.columns
  const column = table.columns.find(({ name }) => name === id?.[0])
  if (!column || id?.length !== 1 || !tellsTenants(column)) return null
  const tables = [...catalog.tables.values()].filter(({ name }) => name !== table.name)
  const names = tables.flatMap((other) => keyColumnsTo(other, table.name))
  const named = namesOf(table, [table, ...tables]).map((name) => `${name}_${column.name}`)
  const isNamed = ({ name }: CatalogColumn) => named.some((one) => bare(one) === bare(name))
  const held = tables.flatMap(({ columns }) => columns.filter(isNamed).map(({ name }) => name))
  const usual = mostFrequent(names) ?? mostFrequent(held) ?? named[0] ?? column.name
  const holders = tables.filter(
    (other) =>
      keyColumnsTo(other, table.name).length > 0 ||
      other.columns.some((one) => one.name === usual && tellsTenants(one)),
  )
  const reached = reachedFrom(tables, [table.name, ...holders.map(({ name }) => name)])
  return {
    table: table.name,
    id: column.name,
    column: usual,
    direct: holders.length,
    reached: reached.size - 1,
  }
}

/** `team_id`, `teamId` and `teamid` name the same. */
function bare(name: string): string {
  return name.replaceAll('_', '').toLowerCase()
}

/** Columns that many tables have, and whose table is not there. */
function columnsAlone(tables: readonly CatalogTable[]): TenantCandidate[] {
  const names = new Set(tables.flatMap(({ columns }) => columns.map(({ name }) => name)))
  return [...names]
    .filter((name) => usualColumns.test(name))
    .map((name) => {
      const holders = tables.filter(({ columns }) => columns.some((column) => column.name === name))
      const reached = reachedFrom(
        tables,
        holders.map((table) => table.name),
      ).size
      return { table: null, id: name, column: name, direct: holders.length, reached }
    })
}

/** Ids are equal exactly where their texts are: a tenant's flag is found by the text. */
export function tellsTenants({ typeName, deterministic }: CatalogColumn): boolean {
  return (
    deterministic &&
    ['text', 'varchar', 'bpchar', 'uuid', 'int2', 'int4', 'int8'].includes(typeName)
  )
}

export function keyColumnsTo(table: CatalogTable, parent: string): string[] {
  return keysOfTable(table)
    .filter((key) => key.parent === parent && key.columns.length === 1)
    .flatMap(({ columns }) => columns)
}

function reachedFrom(tables: readonly CatalogTable[], names: readonly string[]): Set<string> {
  const reached = new Set(names)
  for (let before = 0; before !== reached.size; ) {
    before = reached.size
    for (const table of tables) {
      if (keysOfTable(table).some(({ parent }) => reached.has(parent))) reached.add(table.name)
    }
  }
  return reached
}

function mostFrequent(names: readonly string[]): string | undefined {
  const count = (name: string) => names.filter((other) => other === name).length
  return names.toSorted((a, b) => count(b) - count(a))[0]
}

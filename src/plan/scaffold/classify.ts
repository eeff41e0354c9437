/**
 * How each table of a schema belongs to tenants, found in its columns and keys and in a sample of
 * its rows. Every table gets an answer. Pure.
 *
 * Ways are tried in their order, each for all tables that are left, because a table may belong by
 * way of one that was found just before. A new way is one more entry of `ways`.
 */
import type {
  Catalog,
  CatalogColumn,
  CatalogForeignKey,
  CatalogTable,
} from '../catalogs/catalog.ts'
import { keysOfTable } from '../routing/tables.ts'
import type { ClassifiedTable, KeyTo, Referrer, Sample } from './belonging.ts'
import { keyColumnsTo, singular, type TenantCandidate, tellsTenants } from './tenant-candidates.ts'

/** Input of the ways: the schema, and the tables that were classified so far. */
interface Known {
  readonly catalog: Catalog
  readonly tenant: TenantCandidate
  readonly sample: Sample
  readonly found: ReadonlyMap<string, ClassifiedTable>
}

type Found = Omit<ClassifiedTable, 'table'>
type Way = (table: CatalogTable, known: Known) => Found | null

const ways: readonly Way[] = [
  byColumn,
  throughKey,
  throughAnyKey,
  throughUndeclaredKey,
  byType,
  referredTo,
  ofShared,
]

export function classify(
  catalog: Catalog,
  tenant: TenantCandidate,
  sample: Sample = new Map(),
): ClassifiedTable[] {
  const found = new Map<string, ClassifiedTable>()
  const known = { catalog, tenant, sample, found }
  // What a later way has found may be a parent for an earlier one.
  for (let i = 0; i < ways.length; ) {
    const way = ways[i]
    i = way && findMore(way, known, found) ? 0 : i + 1
  }
  const none: Found = {
    belonging: { kind: 'none' },
    why: 'no key leads to a tenant or comes from one',
  }
  return [...catalog.tables.values()].map(
    (table) => found.get(table.name) ?? { table: table.name, ...none },
  )
}

/** One round for all tables that are left, so that shorter ways come before longer ones. */
function findMore(way: Way, known: Known, found: Map<string, ClassifiedTable>): boolean {
  const round = [...known.catalog.tables.values()]
    .filter(({ name }) => !found.has(name))
    .flatMap((table) => {
      const one = way(table, known)
      return one ? [{ table: table.name, ...one }] : []
    })
  for (const one of round) found.set(one.table, one)
  return round.length > 0
}

function byColumn(table: CatalogTable, { catalog, tenant, sample }: Known): Found | null {
  if (table.name === tenant.table) {
    return { belonging: { kind: 'column', column: tenant.id }, why: 'its rows are the tenants' }
  }
  const keys = tenant.table === null ? [] : keyColumnsTo(table, tenant.table)
  const ids = tenant.table === null ? undefined : catalog.tables.get(tenant.table)
  const type = ids?.columns.find(({ name }) => name === tenant.id)?.typeName
  const named = table.columns.filter(
    (column) =>
      column.name === tenant.column &&
      tellsTenants(column) &&
      (type === undefined || column.typeName === type),
  )
  const columns = [...new Set([...named.map(({ name }) => name), ...keys])]
  const [column] = columns
  if (column === undefined) return null
  const why = keys.includes(column)
    ? `"${column}" refers to "${tenant.table}"`
    : `"${column}" holds the tenant's id, without a foreign key`
  const others = columns.slice(1).map((name) => `"${name}"`)
  const doubts = [
    others.length > 0 ? `${others.join(' and ')} refers to a tenant, too` : [],
    nullDoubt(table, [column], sample),
  ].flat()
  const tenantless = (sample.get(table.name)?.nulls[column] ?? 0) > 0
  return {
    ...{ belonging: { kind: 'column', column }, why, tenantless },
    doubt: doubts.join('; ') || undefined,
  }
}

function throughKey(table: CatalogTable, known: Known): Found | null {
  const keys = keysToTenants(table, known)
  const sure = keys.filter((key) => isFilled(table, key.columns, known.sample) !== 'no')
  const best = sure.toSorted((a, b) => Number(owns(b, known)) - Number(owns(a, known)))[0]
  if (!best) return null
  const [first, ...others] = [best, ...sure.filter((key) => key !== best)]
  const also = others.map(({ columns }) => `"${columns.join(', ')}"`)
  const doubts = [
    also.length > 0 ? `${also.join(' and ')} leads to a tenant, too` : [],
    isFilled(table, first?.columns ?? [], known.sample) === 'in the sample'
      ? 'the column may be null, and is in no row of the sample'
      : [],
  ].flat()
  const { columns, parent } = best
  return {
    belonging: { kind: 'through', columns, parent },
    why: `"${columns.join(', ')}" refers to "${parent}"`,
    doubt: doubts.join('; ') || undefined,
  }
}

function throughAnyKey(table: CatalogTable, known: Known): Found | null {
  const keys = keysToTenants(table, known)
  if (keys.length === 0) return null
  const self = keysOfTable(table).filter((key) => key.parent === table.name)
  const all = [...keys, ...self].map(({ columns, parent }) => ({ columns, parent }))
  const names = all.map(({ columns }) => `"${columns.join(', ')}"`)
  const doubt = 'a row may have none of them'
  if (names.length === 1) {
    const why = `${names[0]} refers to "${all[0]?.parent}", and is null in some rows`
    return { belonging: { kind: 'any of', keys: all }, why, doubt }
  }
  const why = `each row refers to a tenant's by one of ${names.join(', ')}`
  return { belonging: { kind: 'any of', keys: all }, why, doubt }
}

/** `task_id` where `tasks` is a tenant's, and no foreign key says so. */
function throughUndeclaredKey(table: CatalogTable, known: Known): Found | null {
  const keyed = new Set(keysOfTable(table).flatMap(({ columns }) => columns))
  for (const column of table.columns) {
    if (keyed.has(column.name)) continue
    const parent = parentByName(column, known)
    if (!parent || parent.name === table.name) continue
    const why = `"${column.name}" is named as a reference to "${parent.name}", and no foreign key says so`
    const to: KeyTo = { columns: [column.name], parent: parent.name }
    return { belonging: { kind: 'undeclared', ...to }, why, doubt: 'only names say so' }
  }
  return null
}

function parentByName(column: CatalogColumn, { catalog, found }: Known): CatalogTable | undefined {
  const stem = /^(.+?)_?id$/i.exec(column.name)?.[1]?.toLowerCase()
  if (stem === undefined) return undefined
  return [...catalog.tables.values()].find((table) => {
    const key = table.uniques.find(({ primary }) => primary)?.columns
    const type = table.columns.find(({ name }) => name === key?.[0])?.typeName
    const names = [singular(table.name), table.name].map((name) => name.toLowerCase())
    return (
      isTenants(found.get(table.name)) &&
      names.includes(stem) &&
      key?.length === 1 &&
      type === column.typeName
    )
  })
}

/** `subject_type` and `subject_id`, as Rails and its like write them. */
function byType(table: CatalogTable): Found | null {
  for (const { name } of table.columns) {
    const stem = /^(.+?)(_type|Type)$/.exec(name)?.[1]
    const id = table.columns.find((column) => [`${stem}_id`, `${stem}Id`].includes(column.name))
    if (stem === undefined || !id) continue
    const belonging = { kind: 'polymorphic', type: name, id: id.name } as const
    return { belonging, why: `"${name}" names the table that "${id.name}" refers to` }
  }
  return null
}

function referredTo(table: CatalogTable, known: Known): Found | null {
  const referrers = [...known.catalog.tables.values()].flatMap((other) =>
    keysOfTable(other)
      .filter((key) => key.parent === table.name && other.name !== table.name)
      .map(({ columns }) => ({ table: other, columns })),
  )
  const counted = referrers.filter(({ table: { name } }) => refersForTenants(known.found.get(name)))
  if (counted.length === 0) return null
  const by: Referrer[] = counted.map((one) => ({ table: one.table.name, columns: one.columns }))
  const names = by.map((one) => `"${one.table}.${one.columns.join(', ')}"`)
  const isOwn = counted.every(
    ({ table: { name, uniques }, columns }) =>
      isTenants(known.found.get(name)) &&
      uniques.some((unique) => unique.columns.every((column) => columns.includes(column))),
  )
  const belonging = { kind: isOwn ? 'referred to' : 'shared', by } as const
  const why = isOwn
    ? `${names.join(', ')} refers to its rows, each row to one`
    : `${names.join(', ')} refers to its rows, several tenants maybe to one`
  return { belonging, why, doubt: isOwn ? undefined : 'rows may be of one tenant alone' }
}

function ofShared(table: CatalogTable, { found }: Known): Found | null {
  const key = keysOfTable(table).find(({ parent }) => {
    const kind = found.get(parent)?.belonging.kind
    return kind === 'shared' || kind === 'of shared' || kind === 'referred to'
  })
  if (!key) return null
  const { columns, parent } = key
  const why = `"${columns.join(', ')}" refers to "${parent}", whose rows no tenant owns`
  return { belonging: { kind: 'of shared', columns, parent }, why }
}

/** Keys to tables whose rows are known to be a tenant's, the shortest ways first. */
function keysToTenants(table: CatalogTable, { found }: Known): CatalogForeignKey[] {
  return keysOfTable(table).filter(
    (key) => key.parent !== table.name && !key.temporal && isTenants(found.get(key.parent)),
  )
}

const ofTenants = ['column', 'through', 'any of', 'undeclared', 'polymorphic']

function isTenants(one: ClassifiedTable | undefined): boolean {
  return one !== undefined && ofTenants.includes(one.belonging.kind)
}

function refersForTenants(one: ClassifiedTable | undefined): boolean {
  return one !== undefined && !['none', 'of shared'].includes(one.belonging.kind)
}

/** A row that goes with its parent belongs to it more than one that only names another row. */
function owns(key: CatalogForeignKey, { catalog }: Known): boolean {
  const references = catalog.tables.get(key.parent)?.references ?? []
  return references.some(({ name, onDelete }) => name === key.name && onDelete === 'cascade')
}

function isFilled(
  table: CatalogTable,
  columns: readonly string[],
  sample: Sample,
): 'yes' | 'in the sample' | 'no' {
  const all = columns.map((name) => table.columns.find((column) => column.name === name))
  if (all.every((column) => column?.notNull)) return 'yes'
  const rows = sample.get(table.name)
  if (!rows || rows.rows === 0) return 'no'
  return columns.every((name) => rows.nulls[name] === 0) ? 'in the sample' : 'no'
}

function nullDoubt(table: CatalogTable, columns: readonly string[], sample: Sample): string[] {
  const nulls = sample.get(table.name)?.nulls[columns[0] ?? ''] ?? 0
  if (nulls > 0) return [`it is null in ${nulls} of ${sample.get(table.name)?.rows} sampled rows`]
  return isFilled(table, columns, sample) === 'no' ? ['it may be null'] : []
}

/**
 * How each table of a schema belongs to tenants, found in its columns and keys and in a sample of
 * its rows. Every table gets an answer. Pure.
 *
 * Ways are tried in their order, each for all tables that are left, because a table may belong by
 * way of one that was found just before. A new way is one more entry of `ways`.
 */
import type { Catalog, CatalogTable } from '../catalogs/catalog.ts'
import { keysOfTable } from '../routing/tables.ts'
import type { ClassifiedTable, Referrer, Sample } from './belonging.ts'
import { joinedTables } from './joined-tables.ts'
import {
  type Found,
  isFilled,
  isTenants,
  type Known,
  refersForTenants,
  type Way,
} from './known-tables.ts'
import { mayRefer } from './named-references.ts'
import { tableOfType, typeColumns } from './polymorphic.ts'
import { keyColumnsTo, type TenantCandidate, tellsTenants } from './tenant-candidates.ts'
import { throughAnyKey, throughFilledKey, throughKey, throughKnownKeys } from './ways-by-key.ts'
import { referredByName, throughIndexedReference, throughUndeclaredKey } from './ways-by-name.ts'
import { besideStaying, ofShared, ofSharedByName, ofSharedByType } from './ways-of-shared.ts'

const ways: readonly Way[] = [
  byColumn,
  throughFilledKey,
  throughKey,
  throughAnyKey,
  throughKnownKeys,
  throughIndexedReference,
  throughUndeclaredKey,
  byNullableColumn,
  byType,
]

/** Ways of rows that may be no tenant's alone. */
const sharedWays: readonly Way[] = [
  referredTo,
  ofShared,
  ofSharedByName,
  ofSharedByType,
  byUnknownType,
  besideStaying,
]

export function classify(
  catalog: Catalog,
  tenant: TenantCandidate,
  sample: Sample = new Map(),
): ClassifiedTable[] {
  const classified = new Map<string, ClassifiedTable>()
  const joined = joinedTables(catalog, tenant, sample)
  const context = { catalog, tenant, sample, found: classified, joined }
  // What a later way has found may be a parent for an earlier one.
  const all = [...ways.map(unlessJoined), ...sharedWays]
  for (let i = 0; i < all.length; ) {
    const way = all[i]
    i = way && findMore(way, context, classified) ? 0 : i + 1
  }
  const none: Found = {
    belonging: { kind: 'none' },
    why: 'no key leads to a tenant or comes from one',
  }
  return [...catalog.tables.values()].map(
    (table) => classified.get(table.name) ?? { table: table.name, ...none },
  )
}

/** One round for all tables that are left, so that shorter ways come before longer ones. */
function findMore(way: Way, context: Known, classified: Map<string, ClassifiedTable>): boolean {
  const round = [...context.catalog.tables.values()]
    .filter(({ name }) => !classified.has(name))
    .flatMap((table) => {
      const one = way(table, context)
      return one ? [{ table: table.name, ...one }] : []
    })
  for (const one of round) classified.set(one.table, one)
  return round.length > 0
}

function unlessJoined(way: Way): Way {
  return (table, context) => (context.joined.has(table.name) ? null : way(table, context))
}

/** A row may be a tenant's by another way, where the column is null in some rows. */
function byColumn(table: CatalogTable, context: Known): Found | null {
  const one = byNullableColumn(table, context)
  if (!one?.tenantless || one.belonging.kind !== 'column') return one
  const { column } = one.belonging
  const isKey = keyColumnsTo(table, context.tenant.table ?? '').includes(column)
  const others = keysOfTable(table).filter(({ columns }) => !columns.includes(column))
  return isKey && others.length > 0 ? null : one
}

function byNullableColumn(table: CatalogTable, context: Known): Found | null {
  const { catalog, tenant, sample } = context
  if (table.name === tenant.table) {
    return { belonging: { kind: 'column', column: tenant.id }, why: 'its rows are the tenants' }
  }
  const keys = tenant.table === null ? [] : keyColumnsTo(table, tenant.table)
  const ids = tenant.table === null ? undefined : catalog.tables.get(tenant.table)
  const type = ids?.columns.find(({ name }) => name === tenant.id)?.typeName
  const named = table.columns.filter((one) => one.name === tenant.column && tellsTenants(one))
  const columns = [...new Set([...named.map(({ name }) => name), ...keys])]
  const [column] = columns
  if (column === undefined) return null
  const why = keys.includes(column)
    ? `"${column}" refers to "${tenant.table}"`
    : `"${column}" holds the tenant's id, without a foreign key`
  const others = columns.slice(1).map((name) => `"${name}"`)
  const own = table.columns.find(({ name }) => name === column)?.typeName ?? ''
  const doubts = [
    others.length > 0 ? `${others.join(' and ')} refers to a tenant, too` : [],
    type === undefined || mayRefer(own, type)
      ? []
      : `it is of type ${own}, and "${tenant.table}.${tenant.id}" of type ${type}`,
    nullDoubt(table, [column], sample),
  ].flat()
  const tenantless = (sample.get(table.name)?.nulls[column] ?? 0) > 0
  return {
    belonging: { kind: 'column', column },
    why,
    tenantless,
    doubt: doubts.join('; ') || undefined,
  }
}

/** Types of which one names a table of tenants. */
function byType(table: CatalogTable, context: Known): Found | null {
  const one = byUnknownType(table, context)
  if (one?.belonging.kind !== 'polymorphic') return null
  return one.belonging.targets.length > 0 ? one : null
}

function byUnknownType(table: CatalogTable, { catalog, sample, found }: Known): Found | null {
  const columns = typeColumns(table)
  if (!columns) return null
  const { type, id } = columns
  const isOne = (other: CatalogTable) =>
    isTenants(found.get(other.name)) || (!found.has(other.name) && typeColumns(other) !== null)
  const tables = [...catalog.tables.values()].filter(isOne)
  const types = sample.get(table.name)?.types?.[type] ?? []
  const named = types.map((one) => ({ type: one, parent: tableOfType(one, id, tables)?.name }))
  return {
    belonging: {
      kind: 'polymorphic',
      type,
      id: id.name,
      targets: named.flatMap((one) => (one.parent ? [{ ...one, parent: one.parent }] : [])),
      unknown: named.flatMap((one) => (one.parent ? [] : [one.type])),
    },
    why: `"${type}" names the table that "${id.name}" refers to`,
    doubt: 'other types may follow',
  }
}

function referredTo(table: CatalogTable, context: Known): Found | null {
  const referrers = [...context.catalog.tables.values()].flatMap((other) =>
    keysOfTable(other)
      .filter((key) => key.parent === table.name && other.name !== table.name)
      .map(({ columns }) => ({ table: other, columns })),
  )
  const counted = referrers.filter(({ table: { name } }) =>
    refersForTenants(context.found.get(name)),
  )
  if (counted.length === 0) return referredByName(table, context)
  const by: Referrer[] = counted.map((one) => ({ table: one.table.name, columns: one.columns }))
  const names = by.map((one) => `"${one.table}.${one.columns.join(', ')}"`)
  const isOwn = counted.every(
    (one) => isTenants(context.found.get(one.table.name)) && isReferredOnce(one, context.sample),
  )
  const belonging = { kind: isOwn ? 'referred to' : 'shared', by } as const
  const why = isOwn
    ? `${names.join(', ')} refers to its rows, each row to one`
    : `${names.join(', ')} refers to its rows, several tenants maybe to one`
  if (!isOwn) return { belonging, why, doubt: 'rows may be of one tenant alone' }
  const isSure = counted.every(hasUniqueIndex)
  return { belonging, why, doubt: isSure ? undefined : 'only a sample of the rows shows it' }
}

interface Referring {
  readonly table: CatalogTable
  readonly columns: readonly string[]
}

function hasUniqueIndex({ table, columns }: Referring): boolean {
  return table.uniques.some((unique) => unique.columns.every((name) => columns.includes(name)))
}

/** A sample with fewer values may have no repeated one by chance. */
const distinctMin = 20

/**
 * No two rows refer to one, as far as is known. Rows of a table that joins others, which is unique
 * by such columns together, refer to rows of everybody.
 */
function isReferredOnce(referring: Referring, sample: Sample): boolean {
  if (hasUniqueIndex(referring)) return true
  const { table, columns } = referring
  const [column = '', ...more] = columns
  if (more.length > 0 || table.uniques.some((unique) => unique.columns.includes(column)))
    return false
  const { rows, nulls, distinct } = sample.get(table.name) ?? { rows: 0, nulls: {}, distinct: {} }
  const values = rows - (nulls[column] ?? 0)
  return values >= distinctMin && distinct[column] === values
}

function nullDoubt(table: CatalogTable, columns: readonly string[], sample: Sample): string[] {
  const nulls = sample.get(table.name)?.nulls[columns[0] ?? ''] ?? 0
  if (nulls > 0) return [`it is null in ${nulls} of ${sample.get(table.name)?.rows} sampled rows`]
  const filled = isFilled(table, columns, sample)
  if (filled === 'in the sample') return ['it may be null, and is in no row of the sample']
  return filled === 'no' ? ['it may be null'] : []
}

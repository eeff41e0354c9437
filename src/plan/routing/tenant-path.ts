/**
 * How a row's tenant is known: by a column of its own, or through foreign keys to a parent that has
 * one. Pure.
 */
import type {
  Catalog,
  CatalogColumn,
  CatalogForeignKey,
  CatalogTable,
  Finding,
} from '../catalogs/catalog.ts'
import type { Plan, TablePlan } from '../plan.ts'
import type { Way } from '../through.ts'
import { renamed } from './columns.ts'
import { isSameKey, matchingOf } from './matching-columns.ts'
import type { TenantPath } from './path.ts'
import { tableNameAt, waysAt } from './ways.ts'

/** Ids are equal exactly where their texts are: flags are found by text. */
const exactTypes = ['text', 'varchar', 'bpchar', 'uuid', 'int2', 'int4', 'int8']

export interface PathInput {
  plan: Plan
  table: TablePlan
  tables: readonly TablePlan[]
  catalog: Catalog
  end: 'source' | 'target'
  findings: Finding[]
}

export function tenantPath(input: PathInput, visited: readonly string[] = []): TenantPath | null {
  const { table, catalog, end } = input
  const name = tableNameAt(table, end)
  const relation = catalog.tables.get(name)
  if (!relation) return null
  // An end that is asked by tenant decides what is whose.
  if (relation.path) return relation.path
  const [way] = waysAt(table, input) ?? []
  if (way) return pathThrough(input, { relation, way, seen: [...visited, name] })
  return pathByColumn(input, relation)
}

function pathByColumn(input: PathInput, relation: CatalogTable): TenantPath | null {
  const { table, plan, end } = input
  const own = table.tenant ?? plan.tenantColumn
  const column = end === 'source' ? own : (table.targetTenant ?? renamed(table, own))
  const tenantColumn = relation.columns.find((candidate) => candidate.name === column)
  if (tenantColumn && !isExact(tenantColumn)) {
    const type = tenantColumn.deterministic
      ? tenantColumn.typeText
      : `${tenantColumn.typeText} of that collation`
    const what = `column "${column}" at the ${end} is ${type}`
    const why = 'where one id can be written in two ways'
    return complain(input, `${what}, ${why}: only ${exactTypes.join(', ')} can tell tenants apart`)
  }
  if (tenantColumn?.virtual) {
    return complain(
      input,
      `column "${column}" at the ${end} is a virtual generated column: make it stored`,
    )
  }
  if (tenantColumn) return { kind: 'column', column }
  const option = end === 'source' ? '`tenant` or `through`' : '`targetTenant` or `targetThrough`'
  return complain(input, `has no column "${column}" at the ${end}: say ${option}`)
}

/** A type of another schema may be called `text`, too. */
function isExact({ deterministic, typeName, typeSql }: CatalogColumn): boolean {
  return deterministic && exactTypes.includes(typeName) && typeSql.startsWith('pg_catalog.')
}

function pathThrough(
  input: PathInput,
  context: { relation: CatalogTable; way: Way; seen: readonly string[] },
): TenantPath | null {
  const { relation, way, seen } = context
  const columns = way.columns.map((column) => `"${column}"`).join(', ')
  const key = keyOfWay(input, relation, way)
  if (typeof key === 'string') return complain(input, `${key} at the ${input.end}`)
  if (key.temporal) {
    return complain(input, `${columns} is a temporal key, so a row may have several parents`)
  }
  if (seen.includes(key.parent)) return complain(input, `${columns} leads back to itself`)
  const parent = input.tables.find((other) => tableNameAt(other, input.end) === key.parent)
  if (!parent) return complain(input, `${columns} leads to "${key.parent}", which is not planned`)
  const path = tenantPath({ ...input, table: parent }, seen)
  if (!path) return null
  const { parent: name, parentColumns, equals, collations, undeclared } = key
  const deferrable = key.deferrable || (path.kind === 'through' && path.deferrable)
  return {
    kind: 'through',
    columns: key.columns,
    parent: name,
    ...{ parentColumns, deferrable, path },
    ...(undeclared && { undeclared }),
    ...(equals && { equals }),
    ...(collations && { collations }),
  }
}

/** The key, or why there is none. */
function keyOfWay(
  { catalog }: PathInput,
  relation: CatalogTable,
  { columns, to }: Way,
): CatalogForeignKey | string {
  const names = columns.map((column) => `"${column}"`).join(', ')
  const key = relation.foreignKeys.find((candidate) =>
    to ? isSameKey(candidate, columns, to) : sameNames(candidate.columns, columns),
  )
  if (key) return key
  if (!to) {
    return `has no foreign key on ${names}`
  }
  const parent = catalog.tables.get(to.table)
  if (!parent) return `refers to "${to.table}", which does not exist`
  const matching = matchingOf({ table: relation, columns }, { table: parent, columns: to.columns })
  return typeof matching === 'string' ? matching : `has no key on ${names}`
}

function sameNames(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((name) => right.includes(name))
}

function complain(input: PathInput, message: string): null {
  input.findings.push({ where: `table "${input.table.name}"`, message })
  return null
}

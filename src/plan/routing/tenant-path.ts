/**
 * How a row's tenant is known: by a column of its own, or through foreign keys to a parent that has
 * one. Pure.
 */
import type { Catalog, CatalogColumn, CatalogTable, Finding } from '../catalogs/catalog.ts'
import type { Plan, TablePlan } from '../plan.ts'
import { renamed } from './columns.ts'
import type { TenantPath } from './path.ts'

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
  const through = end === 'source' ? table.through : (table.targetThrough ?? throughAtTarget(table))
  if (through && !(end === 'target' && table.targetTenant)) {
    return pathThrough(input, { relation, through, seen: [...visited, name] })
  }
  return pathByColumn(input, relation)
}

export function tableNameAt(table: TablePlan, end: 'source' | 'target'): string {
  return end === 'source' ? table.name : (table.to ?? table.name)
}

function throughAtTarget(table: TablePlan): readonly string[] | undefined {
  return table.through?.map((column) => renamed(table, column))
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
  context: { relation: CatalogTable; through: readonly string[]; seen: readonly string[] },
): TenantPath | null {
  const { relation, through, seen } = context
  const key = relation.foreignKeys.find((candidate) => sameNames(candidate.columns, through))
  const columns = through.map((column) => `"${column}"`).join(', ')
  if (!key) return complain(input, `has no foreign key on ${columns} at the ${input.end}`)
  if (key.temporal) {
    return complain(input, `${columns} is a temporal key, so a row may have several parents`)
  }
  if (seen.includes(key.parent)) return complain(input, `${columns} leads back to itself`)
  const parent = input.tables.find((other) => tableNameAt(other, input.end) === key.parent)
  if (!parent) return complain(input, `${columns} leads to "${key.parent}", which is not planned`)
  const path = tenantPath({ ...input, table: parent }, seen)
  if (!path) return null
  const { parent: name, parentColumns, equals, collations } = key
  const deferrable = key.deferrable || (path.kind === 'through' && path.deferrable)
  return {
    kind: 'through',
    columns: key.columns,
    parent: name,
    ...{ parentColumns, deferrable, path },
    ...(equals && { equals }),
    ...(collations && { collations }),
  }
}

function sameNames(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((name) => right.includes(name))
}

function complain(input: PathInput, message: string): null {
  input.findings.push({ where: `table "${input.table.name}"`, message })
  return null
}

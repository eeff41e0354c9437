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
import { isOwn, type Step, type TenantPath, type ThroughPath } from './path.ts'
import { completeWay, isShared, tableNameAt, waysAt } from './ways.ts'

/** Ids are equal exactly where their texts are: flags are found by text. */
const exactTypes = ['text', 'varchar', 'bpchar', 'uuid', 'int2', 'int4', 'int8']

export interface PathInput {
  plan: Plan
  table: TablePlan
  tables: readonly TablePlan[]
  catalog: Catalog
  end: 'source' | 'target'
  findings: Finding[]
  /** Parents as the plan names them, also where the end decides what is whose. */
  named?: boolean
}

export function tenantPath(input: PathInput, visited: readonly string[] = []): TenantPath | null {
  const { table, catalog, end } = input
  const name = tableNameAt(table, end)
  const relation = catalog.tables.get(name)
  if (!relation) return null
  // An end that is asked by tenant decides what is whose.
  if (relation.path && !input.named) return relation.path
  const ways = waysAt(table, input) ?? []
  const [way, ...more] = ways.map((one) => completeWay(one, name, catalog.tables))
  const chain = [...visited, name]
  if (way && (more.length > 0 || way.when || way.inverse)) {
    return pathByAny(input, { relation, ways: [way, ...more], seen: chain })
  }
  if (way) return pathThrough(input, { relation, way, seen: chain })
  return relation.path ?? pathByColumn(input, relation)
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
  return complain(input, `has no column "${column}" at the ${end}: set ${option}`)
}

/** A type of another schema may be called `text`, too. */
function isExact({ deterministic, typeName, typeSql }: CatalogColumn): boolean {
  return deterministic && exactTypes.includes(typeName) && typeSql.startsWith('pg_catalog.')
}

interface WayContext {
  readonly relation: CatalogTable
  readonly way: Way
  readonly seen: readonly string[]
}

function pathThrough(input: PathInput, context: WayContext): TenantPath | null {
  const key = keyAt(input, context)
  if (!key) return null
  const { seen, way } = context
  const columns = way.columns.map((column) => `"${column}"`).join(', ')
  if (seen.includes(key.parent)) return complain(input, `${columns} leads back to itself`)
  const parent = input.tables.find((other) => tableNameAt(other, input.end) === key.parent)
  if (!parent) return complain(input, `${columns} leads to "${key.parent}", which is not planned`)
  if (isShared(parent) && !isShared(input.table)) {
    const message = `${columns} leads to "${key.parent}", whose rows are shared and no tenant's`
    return complain(input, message)
  }
  const path = tenantPath({ ...input, table: parent }, seen)
  if (!path) return null
  const deferrable = key.deferrable || (!isOwn(path) && path.deferrable)
  return { kind: 'through', ...stepOf(key), deferrable, path }
}

function keyAt(input: PathInput, { relation, way }: WayContext): CatalogForeignKey | null {
  const key = keyOfWay(input, relation, way)
  if (typeof key === 'string') return complain(input, `${key} at the ${input.end}`)
  const columns = way.columns.map((column) => `"${column}"`).join(', ')
  if (!key.temporal) return key
  return complain(input, `${columns} is a temporal key, so a row may have several parents`)
}

function stepOf(key: CatalogForeignKey): Step {
  const { columns, parent, parentColumns, deferrable, equals, collations } = key
  const { undeclared, inverse, when } = key
  return {
    columns,
    parent,
    parentColumns,
    deferrable,
    ...(undeclared && { undeclared }),
    ...(inverse && { inverse }),
    ...(when !== undefined && { when }),
    ...(equals && { equals }),
    ...(collations && { collations }),
  }
}

/** Each row goes one of the ways; one to rows of the same table ends at a row that goes another. */
function pathByAny(
  input: PathInput,
  { relation, ways, seen }: Omit<WayContext, 'way'> & { readonly ways: readonly Way[] },
): TenantPath | null {
  const selves: Step[] = []
  const others: ThroughPath[] = []
  for (const way of ways) {
    const key = keyAt(input, { relation, way, seen })
    if (!key) return null
    if (key.parent === relation.name && way.inverse) {
      return complain(input, 'is referred to by its own rows, which tells nothing of their tenant')
    }
    if (key.parent === relation.name) {
      selves.push(stepOf(key))
      continue
    }
    const path = pathThrough(input, { relation, way, seen })
    if (path?.kind !== 'through') return null
    others.push(path)
  }
  if (others.length === 0) return complain(input, 'refers to itself alone: name a way to a tenant')
  const primary = relation.uniques.find((unique) => unique.primary)?.columns
  const key = selves[0]?.parentColumns ?? primary
  if (!key) return complain(input, 'has no primary key, which rows with several ways need')
  if (selves.some((self) => self.parentColumns.join('\0') !== key.join('\0'))) {
    return complain(input, 'refers to its own rows by different columns of theirs')
  }
  const equals = key.map(
    (name) => relation.columns.find((column) => column.name === name)?.operators?.equal,
  )
  const columnsOfKey = relation.columns.filter(({ name }) => key.includes(name))
  return {
    kind: 'any',
    table: relation.name,
    key,
    ways: others,
    selves,
    ...(columnsOfKey.some(({ notNull }) => !notNull) && { keyMayBeNull: true }),
    ...(equals.every((equal) => equal !== undefined) && { keyEquals: equals }),
    deferrable: [...others, ...selves].some((step) => step.deferrable),
  }
}

/** The key, or why there is none. */
function keyOfWay(
  { catalog }: PathInput,
  relation: CatalogTable,
  way: Way,
): CatalogForeignKey | string {
  const { columns, to, inverse } = way
  const names = columns.map((column) => `"${column}"`).join(', ')
  const key = relation.foreignKeys.find((candidate) =>
    to ? isSameKey(candidate, way) : sameNames(candidate.columns, columns),
  )
  if (key) return key
  if (!to) {
    return `has no foreign key on ${names}`
  }
  const parent = catalog.tables.get(to.table)
  if (!parent) return `refers to "${to.table}", which does not exist`
  if (inverse && columns.length === 0) return 'has no primary key, by which rows could refer to it'
  const theirs = { table: parent, columns: to.columns, several: inverse }
  const matching = matchingOf({ table: relation, columns }, theirs)
  return typeof matching === 'string' ? matching : `has no key on ${names}`
}

function sameNames(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((name) => right.includes(name))
}

function complain(input: PathInput, message: string): null {
  input.findings.push({ where: `table "${input.table.name}"`, message })
  return null
}

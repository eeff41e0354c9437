/**
 * References that only the plan knows, as foreign keys of the catalogue: from here on a declared
 * key and an undeclared one are the same thing to everything that follows keys. Pure.
 */
import type {
  Catalog,
  CatalogForeignKey,
  CatalogReference,
  CatalogTable,
} from '../catalogs/catalog.ts'
import type { Plan, TablePlan } from '../plan.ts'
import type { Way } from '../through.ts'
import { isSameKey, matchingOf } from './matching-columns.ts'
import { completeWay, type EndName, isShared, tableNameAt, tablesOfEnd, waysAt } from './ways.ts'

/** `found`: tables that the plan does not name itself. */
export function withReferences(
  plan: Plan,
  [source, target]: readonly [Catalog, Catalog],
  more: readonly TablePlan[] = [],
): [Catalog, Catalog] {
  const at = (catalog: Catalog, end: EndName) => {
    const named = tablesOfEnd(plan, end)
    const others = more.filter((one) => named.every(({ name }) => name !== one.name))
    return withReferencesAt(catalog, end, [...named, ...others])
  }
  return [at(source, 'source'), at(target, 'target')]
}

function withReferencesAt(catalog: Catalog, end: EndName, all: readonly TablePlan[]): Catalog {
  const tables = new Map(catalog.tables)
  for (const table of all) {
    for (const way of waysAt(table, { tables: all, end }) ?? []) {
      const child = tableNameAt(table, end)
      const whole = completeWay(way, child, tables)
      const { schema } = catalog
      addReference(tables, { child, way: whole, schema, isEverybodys: isShared(table) })
    }
  }
  return { ...catalog, tables }
}

interface Suggested {
  readonly child: string
  readonly way: Way
  readonly schema: string
  readonly isEverybodys: boolean
}

/** Nothing where a declared key is the same, or where no key is possible. */
function addReference(
  tables: Map<string, CatalogTable>,
  { child, way, schema, isEverybodys }: Suggested,
): void {
  const { columns, to, when, inverse } = way
  const from = tables.get(child)
  const parent = to && tables.get(to.table)
  if (!from || !to || !parent || from.foreignKeys.some((key) => isSameKey(key, way))) return
  const theirs = { table: parent, columns: to.columns, several: inverse }
  const matching = matchingOf({ table: from, columns }, theirs)
  if (typeof matching === 'string') return
  const key: CatalogForeignKey = {
    name: `${columns.join(', ')} → ${to.table}.${to.columns.join(', ')}`,
    undeclared: true,
    ...(inverse && { inverse }),
    ...(when && { when: when.sql }),
    columns,
    parent: to.table,
    parentSchema: schema,
    parentColumns: to.columns,
    // Nothing keeps it, not even at commit.
    deferrable: true,
    ...matching,
  }
  const reference: CatalogReference = {
    ...key,
    relation: child,
    parentRelation: to.table,
    schema,
    table: child,
    onDelete: 'no action',
    onUpdate: 'no action',
    readable: from.privileges.includes('SELECT'),
  }
  tables.set(child, { ...from, foreignKeys: [...from.foreignKeys, key] })
  // Rows of everybody stay where they are, whatever refers to them moves or goes.
  if (isEverybodys) return
  const now = tables.get(to.table) ?? parent
  tables.set(to.table, { ...now, references: [...now.references, reference] })
}

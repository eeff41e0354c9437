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
import type { Plan } from '../plan.ts'
import type { Way } from '../through.ts'
import { isSameKey, matchingOf } from './matching-columns.ts'
import { type EndName, tableNameAt, tablesOfEnd, waysAt } from './ways.ts'

export function withReferences(
  plan: Plan,
  [source, target]: readonly [Catalog, Catalog],
): [Catalog, Catalog] {
  return [withReferencesAt(plan, source, 'source'), withReferencesAt(plan, target, 'target')]
}

function withReferencesAt(plan: Plan, catalog: Catalog, end: EndName): Catalog {
  const tables = new Map(catalog.tables)
  const all = tablesOfEnd(plan, end)
  for (const table of all) {
    for (const way of waysAt(table, { tables: all, end }) ?? []) {
      addReference(tables, { child: tableNameAt(table, end), way, schema: catalog.schema })
    }
  }
  return { ...catalog, tables }
}

interface Said {
  readonly child: string
  readonly way: Way
  readonly schema: string
}

/** Nothing where a declared key says the same, or where no key is possible. */
function addReference(tables: Map<string, CatalogTable>, { child, way, schema }: Said): void {
  const { columns, to, when } = way
  const from = tables.get(child)
  const parent = to && tables.get(to.table)
  if (!from || !to || !parent || from.foreignKeys.some((key) => isSameKey(key, way))) return
  const matching = matchingOf({ table: from, columns }, { table: parent, columns: to.columns })
  if (typeof matching === 'string') return
  const key: CatalogForeignKey = {
    name: `${columns.join(', ')} → ${to.table}.${to.columns.join(', ')}`,
    undeclared: true,
    ...(when && { when: when.sql }),
    ...{ columns, parent: to.table, parentSchema: schema, parentColumns: to.columns },
    // Nothing keeps it, not even at commit.
    deferrable: true,
    ...matching,
  }
  const reference: CatalogReference = {
    ...key,
    ...{ relation: child, parentRelation: to.table, schema, table: child },
    onDelete: 'no action',
    readable: from.privileges.includes('SELECT'),
  }
  tables.set(child, { ...from, foreignKeys: [...from.foreignKeys, key] })
  const now = tables.get(to.table) ?? parent
  tables.set(to.table, { ...now, references: [...now.references, reference] })
}

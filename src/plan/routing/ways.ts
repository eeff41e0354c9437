/** The ways to its tenant that a plan gives a table, under the names of one end. Pure. */
import type { Catalog, CatalogForeignKey } from '../catalogs/catalog.ts'
import type { Plan, TablePlan } from '../plan.ts'
import type { Way } from '../through.ts'
import { renamed } from './columns.ts'

export type EndName = 'source' | 'target'

export function tableNameAt(table: TablePlan, end: EndName): string {
  return end === 'source' ? table.name : (table.to ?? table.name)
}

export function isShared({ side }: Pick<TablePlan, 'side'>): boolean {
  return side === 'shared'
}

/** undefined: a column of its own holds the tenant. */
export function waysAt(
  table: TablePlan,
  { tables, end }: { readonly tables: readonly TablePlan[]; readonly end: EndName },
): readonly Way[] | undefined {
  if (end === 'source') return table.through
  if (table.targetTenant) return undefined
  if (table.targetThrough || !table.through || table.side === 'target') {
    return table.targetThrough ?? table.through
  }
  return table.through.map((way) => wayAtTarget(way, table, tables))
}

function wayAtTarget(
  { columns, to, when, inverse }: Way,
  table: TablePlan,
  tables: readonly TablePlan[],
): Way {
  const parent = tables.find((other) => other.side !== 'target' && other.name === to?.table)
  return {
    columns: columns.map((column) => renamed(table, column)),
    to: to && {
      table: parent ? tableNameAt(parent, 'target') : to.table,
      columns: to.columns.map((column) => (parent ? renamed(parent, column) : column)),
    },
    when,
    inverse,
  }
}

/**
 * Ways as the catalogue completes them: the columns by which a row is referred to are those of the
 * declared foreign key, else the primary key.
 */
export function completeWay(way: Way, child: string, tables: Catalog['tables']): Way {
  const { to, inverse } = way
  if (!inverse || !to) return way
  const isTheirs = ({ parent, columns }: CatalogForeignKey) =>
    parent === child && columns.join('\0') === to.columns.join('\0')
  const declared = tables.get(to.table)?.foreignKeys.find(isTheirs)
  const primary = tables.get(child)?.uniques.find((unique) => unique.primary)
  return { ...way, columns: declared?.parentColumns ?? primary?.columns ?? [] }
}

/** Tables of the plan that stand at one end, by the names that they have there. */
export function tablesOfEnd(plan: Plan, end: EndName): TablePlan[] {
  const other = end === 'source' ? 'target' : 'source'
  return plan.tables.filter((entry) => entry.kind === 'table').filter(({ side }) => side !== other)
}

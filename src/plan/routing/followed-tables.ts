/** Tables whose declared keys lead to planned ones, and how a plan says so. Pure. */
import type { Catalog, CatalogForeignKey, CatalogTable } from '../catalogs/catalog.ts'
import { type TablePlan, table } from '../plan.ts'
import { anyOf } from '../through.ts'

/** Tables at any distance from planned ones, the nearest first. */
export function followedTables(
  source: Catalog,
  { planned, excluded }: { planned: readonly TablePlan[]; excluded: ReadonlySet<string> },
): TablePlan[] {
  const known = new Set(planned.filter(({ side }) => side === undefined).map(({ name }) => name))
  const named = new Set(planned.map(({ name }) => name))
  const all: TablePlan[] = []
  for (;;) {
    const round = [...source.tables.values()]
      .filter(({ name }) => !named.has(name) && !excluded.has(name))
      .flatMap((entry) => followed(entry, known) ?? [])
    if (round.length === 0) return all
    all.push(...round)
    for (const { name } of round) {
      known.add(name)
      named.add(name)
    }
  }
}

function followed(entry: CatalogTable, known: ReadonlySet<string>): TablePlan | null {
  const keys = keysTo(entry, known)
  if (!Array.isArray(keys)) return keys && table(entry.name, { through: keys.columns })
  const own = entry.foreignKeys.filter(({ parent }) => parent === entry.name)
  return table(entry.name, { through: anyOf(...[...keys, ...own].map(({ columns }) => columns)) })
}

/** One key that is filled in each row, else all of them. null: none leads there. */
function keysTo(
  entry: CatalogTable,
  known: ReadonlySet<string>,
): CatalogForeignKey | CatalogForeignKey[] | null {
  const keys = entry.foreignKeys.filter(
    ({ parent, temporal }) => known.has(parent) && parent !== entry.name && !temporal,
  )
  const isFilled = ({ columns }: CatalogForeignKey) =>
    columns.every((name) => entry.columns.some((column) => column.name === name && column.notNull))
  const [first] = keys.filter(isFilled)
  return first ?? (keys.length > 0 ? keys : null)
}

/** `table('lines', { through: 'note_id' })`; null: a person has to decide. */
export function lineToPlan(
  entry: CatalogTable,
  { known, tenantColumn }: { known: ReadonlySet<string>; tenantColumn: string },
): string | null {
  const name = JSON.stringify(entry.name).replaceAll('"', "'")
  if (entry.columns.some((column) => column.name === tenantColumn)) return `table(${name})`
  const keys = keysTo(entry, known)
  if (!keys) return null
  const text = (columns: readonly string[]) => {
    const names = columns.map((column) => JSON.stringify(column).replaceAll('"', "'"))
    return names.length === 1 ? names[0] : `[${names.join(', ')}]`
  }
  if (!Array.isArray(keys)) return `table(${name}, { through: ${text(keys.columns)} })`
  const own = entry.foreignKeys.filter(({ parent }) => parent === entry.name)
  const all = [...keys, ...own].map(({ columns }) => text(columns))
  return `table(${name}, { through: anyOf(${all.join(', ')}) })`
}

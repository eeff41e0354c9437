/** Tables whose declared keys lead to planned ones, and how a plan declares them. Pure. */
import type { Catalog, CatalogForeignKey, CatalogTable } from '../catalogs/catalog.ts'
import { type TablePlan, table } from '../plan.ts'
import { anyOf } from '../through.ts'

/** Tables at any distance from planned ones, the nearest first. */
export function followedTables(
  source: Catalog,
  { planned, excluded }: { planned: readonly TablePlan[]; excluded: ReadonlySet<string> },
): TablePlan[] {
  const names = new Set(planned.filter(({ side }) => side === undefined).map(({ name }) => name))
  const named = new Set(planned.map(({ name }) => name))
  const all: TablePlan[] = []
  for (;;) {
    const left = [...source.tables.values()].filter(
      ({ name }) => !named.has(name) && !excluded.has(name),
    )
    const byKeys = left.flatMap((entry) => followed(entry, names) ?? [])
    const round =
      byKeys.length > 0
        ? byKeys
        : left.flatMap((entry) => owned(entry, { source, known: names }) ?? [])
    if (round.length === 0) return all
    all.push(...round)
    for (const { name } of round) {
      names.add(name)
      named.add(name)
    }
  }
}

function followed(entry: CatalogTable, names: ReadonlySet<string>): TablePlan | null {
  const keys = keysTo(entry, names)
  if (!Array.isArray(keys)) return keys && table(entry.name, { through: keys.columns })
  const own = entry.foreignKeys.filter(({ parent }) => parent === entry.name)
  return table(entry.name, { through: anyOf(...[...keys, ...own].map(({ columns }) => columns)) })
}

interface Around {
  readonly source: Catalog
  readonly known: ReadonlySet<string>
}

/** A table to each of whose rows one row at most of each planned table refers. */
function owned(entry: CatalogTable, around: Around): TablePlan | null {
  const referrers = referrersOf(entry, around)
  const areSingle = referrers.every(isReferredOnce)
  const paths = pathsOf(referrers)
  if (referrers.length === 0 || !areSingle || paths === null) return null
  return table(entry.name, { referencedBy: paths })
}

function isReferredOnce({ table: { uniques }, columns }: Referrer): boolean {
  return uniques.some((unique) => unique.columns.every((column) => columns.includes(column)))
}

interface Referrer {
  readonly table: CatalogTable
  readonly columns: readonly string[]
}

function referrersOf({ name }: CatalogTable, { source, known }: Around): Referrer[] {
  const others = [...source.tables.values()].filter(
    (other) => known.has(other.name) && other.name !== name,
  )
  return others.flatMap((other) =>
    other.foreignKeys
      .filter(({ parent }) => parent === name)
      .map(({ columns }) => ({ table: other, columns })),
  )
}

/** `table.column` of each; null: a key has several columns. */
function pathsOf(referrers: readonly Referrer[]): string[] | null {
  if (referrers.some(({ columns }) => columns.length > 1)) return null
  return [...new Set(referrers.map(({ table: { name }, columns }) => `${name}.${columns[0]}`))]
}

/** One key that is filled in each row, else all of them. null: none leads there. */
function keysTo(
  entry: CatalogTable,
  names: ReadonlySet<string>,
): CatalogForeignKey | CatalogForeignKey[] | null {
  const keys = entry.foreignKeys.filter(
    ({ parent, temporal }) => names.has(parent) && parent !== entry.name && !temporal,
  )
  const isFilled = ({ columns }: CatalogForeignKey) =>
    columns.every((name) => entry.columns.some((column) => column.name === name && column.notNull))
  const [first] = keys.filter(isFilled)
  return first ?? (keys.length > 0 ? keys : null)
}

interface Known extends Around {
  /** Those of `known` whose rows are a tenant's. */
  readonly owned: ReadonlySet<string>
  readonly tenantColumn: string
}

/** `table('lines', { through: 'note_id' })`; null: a person has to decide. */
export function lineToPlan(
  entry: CatalogTable,
  { source, known, owned, tenantColumn }: Known,
): string | null {
  const name = literalText(entry.name)
  if (entry.columns.some((column) => column.name === tenantColumn)) return `table(${name})`
  const keys = keysTo(entry, owned)
  if (!keys) return lineByReferrers(entry, { source, known, owned, tenantColumn })
  const text = (columns: readonly string[]) => {
    const names = columns.map(literalText)
    return names.length === 1 ? names[0] : `[${names.join(', ')}]`
  }
  if (!Array.isArray(keys)) return `table(${name}, { through: ${text(keys.columns)} })`
  const own = entry.foreignKeys.filter(({ parent }) => parent === entry.name)
  const all = [...keys, ...own].map(({ columns }) => text(columns))
  return `table(${name}, { through: anyOf(${all.join(', ')}) })`
}

function lineByReferrers(entry: CatalogTable, { source, known, owned }: Known): string | null {
  const referrers = referrersOf(entry, { source, known })
  const texts = (pathsOf(referrers) ?? []).map(literalText)
  if (texts.length === 0) return null
  const list = texts.length === 1 ? texts[0] : `[${texts.join(', ')}]`
  const areOwn = referrers.every((one) => owned.has(one.table.name) && isReferredOnce(one))
  return `${areOwn ? 'table' : 'shared'}(${literalText(entry.name)}, { referencedBy: ${list} })`
}

function literalText(name: string): string {
  return JSON.stringify(name).replaceAll('"', "'")
}

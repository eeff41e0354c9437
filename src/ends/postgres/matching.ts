/**
 * How rows are found by keys and references: the only place that decides by which operator. Pure
 * SQL text.
 *
 * What `=` means is decided by the type, and which `=` a session finds for its search path: for one
 * of an extension it would find that of `text`, or none. So every operator stands here with its
 * schema: that of the type's own default order, or of the foreign key.
 */
import type { CatalogColumn, CatalogForeignKey, CatalogTable } from '../../plan/catalogs/catalog.ts'
import type { Matching } from '../../plan/routing/path.ts'
import { ident, qualified } from '../../quote.ts'

export const builtinEqual = 'operator(pg_catalog.=)'
const builtinGreater = 'operator(pg_catalog.>)'

function columnOf(table: Pick<CatalogTable, 'columns'>, name: string): CatalogColumn | undefined {
  return table.columns.find((column) => column.name === name)
}

/** The operator for values that are equal to those of a column, of the same type. */
function equalOf(table: Pick<CatalogTable, 'columns'>, name: string): string {
  return columnOf(table, name)?.operators?.equal ?? builtinEqual
}

/**
 * ` collate …` for a value of the column from elsewhere. Where different texts are equal, both
 * sides of a join have to state it: else the server takes two texts of one key for two keys.
 */
export function collationOf(table: Pick<CatalogTable, 'columns'>, name: string): string {
  const collation = columnOf(table, name)?.collation
  return collation ? ` collate ${collation}` : ''
}

/** `r.a = … and r.b = …`; `value` gives the right side, of the column's type. */
export function columnsEqual(
  table: Pick<CatalogTable, 'columns'>,
  columns: readonly string[],
  sides: { readonly alias: string; readonly value: (name: string, i: number) => string },
): string {
  return columns
    .map((name, i) => {
      const own = `${sides.alias}.${ident(name)}`
      return `${own} ${equalOf(table, name)} ${sides.value(name, i)}`
    })
    .join(' and ')
}

/** Columns of `alias`, a row of the table, are among the rows of a query of the same types. */
export function amongSelected(
  table: Pick<CatalogTable, 'columns'>,
  { alias, columns }: { readonly alias: string; readonly columns: readonly string[] },
  select: string,
): string {
  const equals = columns.map((name) => equalOf(table, name))
  return isAmong(
    columns.map((name) => `${alias}.${ident(name)}`),
    { equals, select },
  )
}

/**
 * Values are among the rows of a query, which stand left of the operators. One operator can compare
 * whole rows, and hash them; operators of an extension compare column by column.
 */
function isAmong(
  values: readonly string[],
  { equals, select }: { readonly equals: readonly string[]; readonly select: string },
): string {
  if (equals.every((equal) => equal === builtinEqual)) {
    return `(${values.join(', ')}) ${builtinEqual} any (${select})`
  }
  const names = values.map((_, i) => `c${i}`)
  const match = values.map((value, i) => `rehome_k.c${i} ${equals[i]} ${value}`)
  return `exists (select from (${select}) rehome_k (${names.join(', ')}) where ${match.join(' and ')})`
}

/** The row that a key's columns are after these values, in the order of the key. */
export function isAfter(
  table: Pick<CatalogTable, 'columns'>,
  { alias, columns }: { readonly alias: string; readonly columns: readonly string[] },
  value: (name: string, i: number) => string,
): string {
  const own = (name: string) => `${alias}.${ident(name)}`
  const greater = columns.map((name) => columnOf(table, name)?.operators?.greater ?? builtinGreater)
  if (greater.every((operator) => operator === builtinGreater)) {
    const values = columns.map(value).join(', ')
    return `(${columns.map(own).join(', ')}) ${builtinGreater} (${values})`
  }
  const steps = columns.map((name, i) => {
    const equal = columns.slice(0, i)
    const before = columnsEqual(table, equal, { alias, value })
    return `${before && `${before} and `}${own(name)} ${greater[i]} ${value(name, i)}`
  })
  return `(${steps.map((step) => `(${step})`).join(' or ')})`
}

/** Some columns that lead to a parent's, and how these are compared. */
export interface Reference extends Matching {
  readonly columns: readonly string[]
  readonly parentColumns: readonly string[]
}

/** The child's side of a comparison with its parent: of the parent's collation. */
function childValue({ collations }: Reference, value: string, i: number): string {
  const collation = collations?.[i]
  return collation ? `${value} collate ${collation}` : value
}

/** `p.a = r.b and …`: a row is the parent of another. Both sides give their columns in SQL. */
export function isParent(
  reference: Reference,
  theirs: (parentColumn: string) => string,
  own: (column: string, i: number) => string,
): string {
  const { columns, parentColumns, equals } = reference
  return columns
    .map((column, i) => {
      const value = childValue(reference, own(column, i), i)
      return `${theirs(parentColumns[i] ?? '')} ${equals?.[i] ?? builtinEqual} ${value}`
    })
    .join(' and ')
}

/** A condition: a child's columns, which `at` gives in SQL, are among a query's parents. */
export function hasParentAmong(
  reference: Reference,
  at: (column: string, i: number) => string,
  select: string,
): string {
  const { columns } = reference
  const values = columns.map((column, i) => childValue(reference, at(column, i), i))
  const equals = columns.map((_, i) => reference.equals?.[i] ?? builtinEqual)
  return isAmong(values, { equals, select })
}

/**
 * A reference, none of whose columns is null, is kept: there is such a parent, or the parents'
 * periods together contain that of the child. `also`: a condition on the parent `p`.
 */
export function isKept(
  key: CatalogForeignKey & { readonly parentRelation?: string },
  at: (column: string, i: number) => string,
  also = '',
): string {
  const parent = qualified(key.parentSchema, key.parentRelation ?? key.parent)
  const from = `from ${parent} p where`
  const more = also && ` and ${also}`
  const theirs = (name: string) => `p.${ident(name)}`
  const match = isParent(byEquality(key), theirs, at)
  if (!key.temporal) return `exists (select ${from} ${match}${more})`
  const last = key.columns.length - 1
  const period = theirs(key.parentColumns[last] ?? '')
  const own = at(key.columns[last] ?? '', last)
  return `coalesce((select pg_catalog.range_agg(${period}) operator(pg_catalog.@>) ${own}
    ${from} ${match}${more}), false)`
}

/** The part of the key that leads to these columns of the parent. */
export function leadingTo(key: CatalogForeignKey, names: readonly string[]): CatalogForeignKey {
  const places = key.parentColumns.flatMap((name, i) => (names.includes(name) ? [i] : []))
  const pick = <T>(list: readonly T[]) => places.flatMap((i) => list.slice(i, i + 1))
  return {
    ...key,
    columns: pick(key.columns),
    parentColumns: pick(key.parentColumns),
    ...(key.equals && { equals: pick(key.equals) }),
    ...(key.collations && { collations: pick(key.collations) }),
    temporal: key.temporal === true && places.includes(key.parentColumns.length - 1),
  }
}

/** The columns of a reference that are compared by being equal. */
export function byEquality(key: CatalogForeignKey): Reference {
  if (!key.temporal) return key
  return {
    ...key,
    columns: key.columns.slice(0, -1),
    parentColumns: key.parentColumns.slice(0, -1),
  }
}

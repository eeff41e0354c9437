/**
 * Ids of rows of everybody, where both ends know the same row under different ones. Other columns
 * identify the row (`newIds.by` of a shared table). An attempt notes each pair of ids as it
 * brings the row, and columns that refer to such rows are read with the id of the end that they go
 * to. An id that was not noted fails the query: it could be that of another row there.
 */
import { ident, literal } from '../../quote.ts'
import type { Catalog } from '../catalogs/catalog.ts'
import type { TablePlan } from '../plan.ts'

type EndName = 'source' | 'target'

/** Types whose texts are the same for the same id. */
export const idTypes = ['int2', 'int4', 'int8', 'uuid', 'text', 'varchar']

/** Made anew with each survey, so it is one attempt's. */
export class SharedIds {
  readonly table: string
  private readonly pairs = {
    source: new Map<string, string>(),
    target: new Map<string, string>(),
  }
  private texts: { source?: string; target?: string } = {}
  private isOpen = false

  constructor(table: string) {
    this.table = table
  }

  /** From here on columns are translated. */
  open(): void {
    this.isOpen = true
  }

  note({ source, target }: Readonly<Record<EndName, string>>): void {
    this.pairs.target.set(source, target)
    this.pairs.source.set(target, source)
    this.texts = {}
  }

  /** The id at this end of a row that has another one at the other end. */
  at(end: EndName, id: string): string | undefined {
    return this.pairs[end].get(id)
  }

  /** `value`, an id at the other end, as the id of this end. */
  sql(end: EndName, { value, type, unknown }: Translated): string {
    if (!this.isOpen) return value
    const text = `(${value})::pg_catalog.text`
    const translation = `${this.textOf(end)}::pg_catalog.jsonb operator(pg_catalog.->>) ${text}`
    const to = `::pg_catalog.${ident(type)}`
    if (unknown === 'null') return `(${translation})${to}`
    // A text that is no number: there is no other way to fail in an expression.
    const message = literal(`no id at the ${end} for "${this.table}" `)
    const fail = `(${message}::pg_catalog.text operator(pg_catalog.||) ${text})::pg_catalog.int4`
    return `coalesce(${translation},
      case when ${value} is not null then ${fail}::pg_catalog.text end)${to}`
  }

  private textOf(end: EndName): string {
    this.texts[end] ??= literal(JSON.stringify(Object.fromEntries(this.pairs[end])))
    return this.texts[end]
  }
}

interface Translated {
  readonly value: string
  readonly type: string
  /** Result for an id that was not noted. */
  readonly unknown: 'fails' | 'null'
}

/** How a column gets the ids of one end. */
export interface IdsOfColumn {
  readonly of: SharedIds
  readonly at: EndName
  /** `null`: the row has gone, and may never have been at the other end. */
  readonly unknown: Translated['unknown']
}

/** Facts about a column that is read. */
interface ReadColumn {
  readonly from: string | null
  readonly expression: string
  readonly typeName: string
  readonly castTo: string | null
  readonly ids?: IdsOfColumn | undefined
}

/** SQL over the source row `r`: the column's value at the end that it goes to. */
export function columnSql({ expression: value, castTo, typeName, ids }: ReadColumn): string {
  if (!ids) return value
  return ids.of.sql(ids.at, { value, type: castTo ?? typeName, unknown: ids.unknown })
}

/** Columns for rows as they were. */
export function asTheyWere<Column extends ReadColumn>(columns: readonly Column[]): Column[] {
  return columns.map((one) => (one.ids ? { ...one, ids: { ...one.ids, unknown: 'null' } } : one))
}

/** Shared tables with ids of their own, and the keys that lead to them. */
export interface Translations {
  /** Name of a shared table → its ids. */
  readonly all: ReadonlyMap<string, SharedIds>
  readonly catalog: Pick<Catalog, 'tables'>
}

export function translationsOf(
  tables: readonly TablePlan[],
  catalog: Translations['catalog'],
): Translations {
  const own = tables.filter(({ sharing }) => sharing?.newIds)
  return { all: new Map(own.map(({ name }) => [name, new SharedIds(name)])), catalog }
}

/** Marks the columns that refer to rows of such tables, or to columns that do. */
export function withSharedIds<Column extends ReadColumn>(
  { name }: TablePlan,
  columns: readonly Column[],
  translations: Translations,
): Column[] {
  if (translations.all.size === 0) return [...columns]
  return columns.map((column) => {
    const of =
      column.from === null ? null : idsFor(translations, { table: name, column: column.from })
    return of ? { ...column, ids: { of, at: 'target', unknown: 'fails' } } : column
  })
}

interface Place {
  readonly table: string
  readonly column: string
}

function idsFor(
  translations: Translations,
  place: Place,
  visited: readonly string[] = [],
): SharedIds | null {
  const { table, column } = place
  const at = `${table}.${column}`
  if (visited.includes(at)) return null
  for (const [name, ids] of translations.all)
    if (isReferredBy(translations, name, place)) return ids
  for (const key of translations.catalog.tables.get(table)?.foreignKeys ?? []) {
    const { columns, parent, parentColumns, inverse } = key
    const theirs = inverse ? undefined : parentColumns[columns.indexOf(column)]
    if (theirs === undefined) continue
    const own = translations.all.get(parent)
    if (own && isId(translations, { table: parent, column: theirs })) return own
    const of = idsFor(translations, { table: parent, column: theirs }, [...visited, at])
    if (of) return of
  }
  return null
}

/** The plan declares it (`referencedBy`). */
function isReferredBy(translations: Translations, name: string, { table, column }: Place): boolean {
  const keys = translations.catalog.tables.get(name)?.foreignKeys ?? []
  return keys.some(({ inverse, parent, parentColumns, columns: [id = ''] }) => {
    const refers = inverse && parent === table && parentColumns[0] === column
    return refers && isId(translations, { table: name, column: id })
  })
}

function isId({ catalog }: Translations, { table, column }: Place): boolean {
  const primary = catalog.tables.get(table)?.uniques.find((unique) => unique.primary)
  return primary?.columns.length === 1 && primary.columns[0] === column
}

/** The end that rows go to. */
export function endOfIds({ backOf }: { readonly backOf?: unknown }): EndName {
  return backOf ? 'source' : 'target'
}

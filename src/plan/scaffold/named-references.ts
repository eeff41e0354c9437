/** Columns that are named as references, where no foreign key declares it. Pure. */
import type { CatalogColumn, CatalogTable } from '../catalogs/catalog.ts'
import { keysOfTable } from '../routing/tables.ts'
import { namesOf } from './table-names.ts'

const comparable = [
  ['int2', 'int4', 'int8'],
  ['text', 'varchar'],
]

/** A foreign key could compare the two. */
export function mayRefer(left: string, right: string): boolean {
  const isIn = (types: readonly string[]) => types.includes(left) && types.includes(right)
  return left === right || comparable.some(isIn)
}

/** A column that refers to the single primary key of a table, going by its name. */
export interface NamedReference {
  readonly column: string
  readonly parent: string
}

/**
 * `task_id` refers to `tasks`, `vehicle_vin` to `vehicles` by its `vin`, and `parent_id` to rows of
 * the same table.
 */
export function namedReferences(
  table: CatalogTable,
  tables: readonly CatalogTable[],
): NamedReference[] {
  return referencesBy(table, { parents: tables, tables }, (column, name) => column === name)
}

/** Also `owner_user_id` to `users`: who a row is about is named by a role as often as not. */
export function namedByRole(
  table: CatalogTable,
  among: { readonly parents: readonly CatalogTable[]; readonly tables: readonly CatalogTable[] },
): NamedReference[] {
  const endsIn = (column: string, name: string) => column === name || column.endsWith(`_${name}`)
  return referencesBy(table, among, endsIn)
}

function referencesBy(
  table: CatalogTable,
  { parents, tables }: Parameters<typeof namedByRole>[1],
  fits: (column: string, name: string) => boolean,
): NamedReference[] {
  const keyed = new Set(keysOfTable(table).flatMap(({ columns }) => columns))
  const key = singleKey(table)
  return table.columns.flatMap(({ name, typeName, sequence, identity }) => {
    // A key that takes no numbers of its own may be that of the one row that it refers to.
    const isOwn = name === key?.name && (sequence !== null || identity)
    if (keyed.has(name) || isOwn) return []
    const parent = parents.find((other) => {
      const id = singleKey(other)
      if (!id || !mayRefer(typeName, id.typeName)) return false
      return other.name === table.name
        ? snake(name) === 'parent_id'
        : referencesTo(namesOf(other, tables), id).some((one) => fits(snake(name), one))
    })
    return parent ? [{ column: name, parent: parent.name }] : []
  })
}

/** Columns that would refer to a table of these names. */
function referencesTo(names: readonly string[], key: CatalogColumn): string[] {
  return names
    .map(snake)
    .flatMap((stem) => [`${stem}_id`, `${stem}id`, `${stem}_${snake(key.name)}`])
}

/** `ownerUserId` is `owner_user_id`, and `BlogPost` is `blog_post`. */
function snake(name: string): string {
  return name.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toLowerCase()
}

function singleKey({ uniques, columns }: CatalogTable): CatalogColumn | undefined {
  const key = uniques.find(({ primary }) => primary)?.columns
  return key?.length === 1 ? columns.find(({ name }) => name === key[0]) : undefined
}

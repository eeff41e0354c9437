/**
 * Ways to tables that stay, because rows of everybody lead to them. Each leaves a doubt: what the
 * rows of everybody are is itself inferred from keys, names or a sample. Pure.
 */
import type { CatalogTable } from '../catalogs/catalog.ts'
import { keysOfTable } from '../routing/tables.ts'
import type { KeyTo } from './belonging.ts'
import { type Found, isShared, type Known } from './known-tables.ts'
import { namedByRole } from './named-references.ts'
import { tableOfType, typeColumns } from './polymorphic.ts'

export function ofShared(table: CatalogTable, context: Known): Found | null {
  const key = keysOfTable(table).find(({ parent }) => isShared(parent, context))
  if (!key) return null
  const { columns, parent } = key
  const why = `"${columns.join(', ')}" refers to "${parent}", whose rows no tenant owns`
  return foundOfShared({ columns, parent }, why)
}

/** Sessions of users, where no foreign key declares whose they are. */
export function ofSharedByName(table: CatalogTable, { catalog, found }: Known): Found | null {
  const tables = [...catalog.tables.values()]
  const parents = tables.filter(({ name }) => name !== table.name && isShared(name, { found }))
  const [reference] = namedByRole(table, { parents, tables })
  if (!reference) return null
  const { column, parent } = reference
  const why = `"${column}" is named as a reference to "${parent}", whose rows no tenant owns`
  return foundOfShared({ columns: [column], parent }, why, 'only names suggest it')
}

/** Types that name tables with rows of everybody alone. */
export function ofSharedByType(table: CatalogTable, context: Known): Found | null {
  const columns = typeColumns(table)
  const types = context.sample.get(table.name)?.types?.[columns?.type ?? ''] ?? []
  const [parent, ...more] = types.map((type) => {
    const tables = [...context.catalog.tables.values()].filter(({ name }) =>
      isShared(name, context),
    )
    return columns && tableOfType(type, columns.id, tables)?.name
  })
  if (!columns || !parent || more.includes(undefined)) return null
  const { type, id } = columns
  const why = `"${id.name}" refers to rows that no tenant owns, by "${type}"`
  return foundOfShared({ columns: [id.name], parent }, why, 'other types may follow')
}

function foundOfShared(key: KeyTo, why: string, more?: string): Found {
  const inherited = `rows of "${key.parent}" may be of one tenant alone`
  const doubt = more === undefined ? inherited : `${more}, and ${inherited}`
  return { belonging: { kind: 'of shared', ...key }, why, doubt }
}

/** Tables around those that stay with a doubt: if rows of these move, theirs may have to. */
export function besideStaying(table: CatalogTable, { catalog, found }: Known): Found | null {
  const stays = ({ name }: CatalogTable) => {
    const kind = found.get(name)?.belonging.kind
    return kind === 'of shared' || kind === 'none'
  }
  const tables = [...catalog.tables.values()]
  const others = tables.filter((other) => other.name !== table.name && stays(other))
  const referrer = others.find((other) => refers(other, [table], tables))
  const parent = others.find((other) => refers(table, [other], tables))
  const beside = referrer ?? parent
  if (!beside) return null
  const why = referrer
    ? `rows of "${beside.name}" refer to its rows, and none of a planned table do`
    : `its rows refer to rows of "${beside.name}"`
  const doubt = `rows of "${beside.name}" stay by a guess`
  return { belonging: { kind: 'none' }, why, doubt }
}

/** Whether a foreign key, or the name of a column, refers to one of the parents. */
function refers(
  table: CatalogTable,
  parents: readonly CatalogTable[],
  tables: readonly CatalogTable[],
): boolean {
  const isDeclared = keysOfTable(table).some((key) =>
    parents.some(({ name }) => name === key.parent),
  )
  return isDeclared || namedByRole(table, { parents, tables }).length > 0
}

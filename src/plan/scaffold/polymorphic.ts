/** Columns that name the table of the row that another column refers to. Pure. */
import type { Catalog, CatalogColumn, CatalogTable } from '../catalogs/catalog.ts'
import { namesOf } from './table-names.ts'

/** `subject_type` and `subject_id`, as Rails and its like write them. */
export function typeColumns({
  columns,
}: CatalogTable): { readonly type: string; readonly id: CatalogColumn } | null {
  for (const { name } of columns) {
    const stem = /^(.+?)(_type|Type)$/.exec(name)?.[1]
    const id = columns.find((column) => [`${stem}_id`, `${stem}Id`].includes(column.name))
    if (stem !== undefined && id) return { type: name, id }
  }
  return null
}

/** Table → column that names tables. */
export function typesToSample({ tables }: Catalog): Map<string, string> {
  const all = [...tables.values()].flatMap((table) => {
    const columns = typeColumns(table)
    return columns ? [[table.name, columns.type] as const] : []
  })
  return new Map(all)
}

const integers = ['int2', 'int4', 'int8']
const texts = ['text', 'varchar']

/** `BlogPost`, `Blog::BlogPost` and `blog_posts` name the table `blog_posts`. */
export function tableOfType(
  type: string,
  { typeName }: CatalogColumn,
  tables: readonly CatalogTable[],
): CatalogTable | undefined {
  const kinds = [[typeName], integers, texts].filter((some) => some.includes(typeName)).flat()
  const name = plain(type.split(/::|[\\./]/).at(-1) ?? '')
  return tables.find((table) => {
    const key = table.uniques.find(({ primary }) => primary)?.columns ?? []
    const id = table.columns.find((column) => column.name === key[0])
    const names = namesOf(table, tables).map(plain)
    return key.length === 1 && kinds.includes(id?.typeName ?? '') && names.includes(name)
  })
}

function plain(name: string): string {
  return name.replaceAll('_', '').toLowerCase()
}

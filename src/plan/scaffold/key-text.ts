/** The `key` of a table without a primary key, as a plan has it. Pure. */
import { ident, qualified } from '../../quote.ts'
import type { CatalogTable, CatalogUnique } from '../catalogs/catalog.ts'
import { quote } from './code-text.ts'

export function keyTextOf(
  table: CatalogTable,
  schema: string,
): { option?: string; comment?: string } {
  const { uniques, columns, name } = table
  if (uniques.some(({ primary }) => primary)) return {}
  const mayBeNull = (unique: CatalogUnique) =>
    unique.columns.filter((own) => !columns.some((one) => one.name === own && one.notNull))
  const unique = uniques.find((one) => mayBeNull(one).length === 0) ?? uniques[0]
  if (!unique) {
    return { comment: 'decide: it has no primary key and no unique index: set `key`' }
  }
  const option = `key: [${unique.columns.map(quote).join(', ')}]`
  const fact = `it has no primary key, and "${unique.name}" is unique`
  const nullable = mayBeNull(unique)
  const names = nullable.map((own) => `"${own}"`).join(' and ')
  if (nullable.length === 0) return { option, comment: `guessed: ${fact}` }
  const changes = nullable.map((own) => `alter column ${ident(own)} set not null`)
  const remedy = `alter table ${qualified(schema, name)} ${changes.join(', ')}`
  return {
    option,
    comment: `decide: ${fact}, but ${names} may be null: \`${remedy}\` at both ends`,
  }
}

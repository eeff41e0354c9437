/**
 * Foreign keys that act when a round in place updates the values that they refer to. PostgreSQL
 * would change every row that refers to them, also rows that no log names and no comparison of the
 * round reads: at the source another row may have taken the value meanwhile. Such a round fails.
 */
import { RehomeError } from '../../../errors.ts'
import type { CatalogReference } from '../../../plan/catalogs/catalog.ts'
import { actsOnUpdate, childName } from '../../../plan/catalogs/dependents.ts'
import type { Client } from '../../../postgres.ts'
import { ident, qualified } from '../../../quote.ts'
import { byEquality, isParent } from '../matching.ts'
import { columnsSet, isRow, type Noted } from './in-place.ts'
import { isTableOf } from './leaving-rows.ts'

/** Before rows come. Throws FOREIGN_KEY_BROKEN. */
export async function refuseActing(target: Client, all: readonly Noted[]): Promise<void> {
  for (const noted of all) {
    const { table, schema } = noted
    if (noted.rows === 0) continue
    for (const key of table.route.target.references) {
      const columns = key.parentColumns.filter((name) => columnsSet(noted).includes(name))
      if (key.undeclared || !actsOnUpdate(key) || columns.length === 0) continue
      const { rows } = (await target.query(counting(noted, key, { columns, all }))).rows[0]
      if (rows === 0) continue
      const child = childName(key, schema)
      const message = `"${child}": ${rows} rows would change by "${key.name}", which is \`on update ${key.onUpdate}\`, as rows of "${table.route.target.name}" that they refer to have other values now: \`grant set on parameter session_replication_role\` to our role, or make the key \`no action\``
      const data = { table: child, foreignKey: key.name, rows }
      throw new RehomeError('FOREIGN_KEY_BROKEN', message, { retryable: true, data })
    }
  }
}

/** Rows that come after these get their own values whatever happens to them before. */
function counting(
  noted: Noted,
  key: CatalogReference,
  { columns, all }: { readonly columns: readonly string[]; readonly all: readonly Noted[] },
): string {
  const { table, schema, came, ours } = noted
  const child = all.find((other) => other !== noted && isTableOf(key, other))
  const isFound = child && !child.table.route.targetKey.some((name) => key.columns.includes(name))
  const comes = isFound && `select from ${child.ours} h where ${isRow(child, 'c', 'h')}`
  const values = (alias: string) => columns.map((name) => `${alias}.${ident(name)}`).join(', ')
  const refers = isParent(
    byEquality(key),
    (column) => `r.${ident(column)}`,
    (column) => `c.${ident(column)}`,
  )
  return `select count(*)::int as rows from ${qualified(schema, table.route.target.name)} r
    join ${came} s on ${isRow(noted, 'r', 's')}
    join ${qualified(key.schema, key.relation)} c on ${refers}
    where row(${values('r')})::record operator(pg_catalog.*<>) row(${values('s')})::record
      and exists (select from ${ours} o where ${isRow(noted, 'r', 'o')})
      ${comes ? `and not exists (${comes})` : ''}`
}

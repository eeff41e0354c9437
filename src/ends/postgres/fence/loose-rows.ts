/**
 * Rows that refer to a parent which is not there, by a reference that no foreign key keeps: SQL
 * text for a guard, pure.
 *
 * Such a row may be of a tenant that is closed at this end: its parent is at the other one. A
 * foreign key would refuse it, so the guard does, as late as at commit.
 */
import type { CatalogTable } from '../../../plan/catalogs/catalog.ts'
import type { ThroughPath } from '../../../plan/routing/path.ts'
import { ident, literal, qualified } from '../../../quote.ts'
import { builtinEqual, isParent } from '../matching.ts'
import { typeOf } from '../predicate.ts'

export interface LooseRows {
  readonly schema: string
  readonly scope: string
  readonly table: CatalogTable
  /** `stay`: rows without a tenant are accepted. */
  readonly tenantless?: 'stay' | undefined
}

/** A statement about the rows that were written. Empty: there can be none. */
export function looseCheck(
  { schema, scope, table, tenantless }: LooseRows,
  { path, rows }: { readonly path: ThroughPath; readonly rows: string },
): string {
  if (!path.undeclared || tenantless === 'stay') return ''
  const own = (alias: string) => (name: string) => `${alias}.${ident(name)}`
  const given = path.columns.map((name) => `r.${ident(name)} is not null`).join(' and ')
  const parent = `select from ${qualified(schema, path.parent)} p
      where ${isParent(path, own('p'), own('r'))}`
  const isLoose = `${given} and not exists (${parent})`
  const name = qualified(schema, table.name)
  const among = path.columns.map((column, i) => {
    const equal = path.equals?.[i] ?? builtinEqual
    return `r.${percents(ident(column))} ${equal} any (%${i + 1}$L::${typeOf(table, column)}[])`
  })
  const count = `select count(*) from ${percents(name)} r
    where ${among.join(' and ')} and ${percents(isLoose)}`
  const values = path.columns.map((column) => `array_agg(r.${ident(column)})::text`)
  return `
  if anybodys and tg_op <> 'DELETE' and exists (select from rehome.tenant_flags f
      where f.scope = ${literal(scope)} and f.mode <> 'capturing') then
    insert into rehome.loose_rows (table_name, query)
      select ${literal(name)}, format(${literal(count)}, ${values.join(', ')})
      from ${rows} r where ${isLoose} having count(*) > 0;
  end if;`
}

/** Text in a form that `format` leaves as it is. */
function percents(sql: string): string {
  return sql.replaceAll('%', '%%')
}

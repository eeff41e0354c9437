/**
 * Rows that refer to a parent which is not there, by a reference that no foreign key keeps: SQL
 * text for a guard, pure.
 *
 * Such a row may be of a tenant that is closed at this end: its parent is at the other one. A
 * foreign key would refuse it, so the guard does, as late as at commit.
 */
import type { CatalogTable } from '../../../plan/catalogs/catalog.ts'
import { type Step, stepsOf, type TenantPath } from '../../../plan/routing/path.ts'
import { ident, literal, qualified } from '../../../quote.ts'
import { builtinEqual, isParent } from '../matching.ts'
import { typeOf } from '../predicate.ts'
import { applies, tenantJoin } from '../tenant-of-rows.ts'

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
  { path, rows }: { readonly path: TenantPath; readonly rows: string },
): string {
  const steps = stepsOf(path).filter((step) => step.undeclared)
  if (steps.length === 0 || tenantless === 'stay') return ''
  const { joins, tenant } = tenantJoin(path, { schema, alias: 'r' })
  const lacks = steps.map((step) => lacksParent(step, schema)).join(' or ')
  // By another way the row may have a tenant.
  const isLoose = path.kind === 'any' ? `${tenant} is null and (${lacks})` : lacks
  const joined = path.kind === 'any' ? joins : ''
  const name = qualified(schema, table.name)
  const key = keyOf(path)
  const among = key.columns.map((column, i) => {
    const equal = key.equals?.[i] ?? builtinEqual
    return `r.${percents(ident(column))} ${equal} any (%${i + 1}$L::${typeOf(table, column)}[])`
  })
  const count = `select count(*) from ${percents(`${name} r${joined}`)}
    where ${among.join(' and ')} and ${percents(isLoose)}`
  const values = key.columns.map((column) => `array_agg(r.${ident(column)})::text`)
  return `
  if anybodys and tg_op <> 'DELETE' and exists (select from rehome.tenant_flags f
      where f.scope = ${literal(scope)} and f.mode <> 'capturing') then
    insert into rehome.loose_rows (table_name, query)
      select ${literal(name)}, format(${literal(count)}, ${values.join(', ')})
      from ${rows} r${joined} where ${isLoose} having count(*) > 0;
  end if;`
}

function lacksParent(step: Step, schema: string): string {
  const own = (alias: string) => (name: string) => `${alias}.${ident(name)}`
  const parent = `select from ${qualified(schema, step.parent)} p
      where ${isParent(step, own('p'), own('r'))}`
  return `(${applies(step, 'r')} and not exists (${parent}))`
}

/** Columns by which the written rows are found again. */
function keyOf(path: TenantPath) {
  if (path.kind === 'any') return { columns: path.key, equals: path.keyEquals }
  return path.kind === 'through' ? path : { columns: [], equals: undefined }
}

/** Text in a form that `format` leaves as it is. */
function percents(sql: string): string {
  return sql.replaceAll('%', '%%')
}

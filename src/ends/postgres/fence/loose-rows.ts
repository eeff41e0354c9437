/**
 * Rows whose tenant nothing tells when they are written, because a parent is not there or has none:
 * SQL text for a guard, pure.
 *
 * Where tenants are closed such a row may be of one of them: its parent is at the other end, or
 * comes by a move before the writer commits. So these rows are looked at once more at commit. A row
 * whose parent is missing then, by a reference that no foreign key keeps, is refused, as a foreign
 * key would refuse it.
 */
import type { CatalogTable } from '../../../plan/catalogs/catalog.ts'
import {
  type AnyPath,
  hasSeveralWays,
  isUndeclared,
  type Step,
  stepsOf,
  type TenantPath,
  type ThroughPath,
} from '../../../plan/routing/path.ts'
import { ident, literal, qualified } from '../../../quote.ts'
import { columnsEqual, isParent } from '../matching.ts'
import { typeOf } from '../predicate.ts'
import { applies, tenantJoin } from '../tenant-of-rows.ts'

export interface LooseRows {
  readonly schema: string
  readonly scope: string
  readonly table: CatalogTable
  /** `stay`: rows without a tenant are accepted. */
  readonly tenantless?: 'stay' | undefined
}

interface Written {
  readonly path: TenantPath
  readonly rows: { readonly old: string; readonly new: string }
  /** Over a new row `r`: nothing tells its tenant. */
  readonly condition: string
}

/** Statements for the rows that were written, after these were found. Empty: there can be none. */
export function looseCheck(
  loose: LooseRows,
  written: Written & { readonly path: ThroughPath | AnyPath },
): string {
  const { path, rows } = written
  if (!path.deferrable) return ''
  const { tenantless } = loose
  const all = tenantless === 'stay' ? 'false' : 'true'
  // An update of other columns leaves a row as loose as it was.
  const columns = [...keyOf(loose, path), ...stepsOf(path).flatMap((step) => step.columns)]
  const state = (alias: string) =>
    `row(${[
      ...columns.map((name) => `${alias}.${ident(name)}`),
      ...stepsOf(path).map((step) => applies(step, alias)),
    ].join(', ')})::text collate "C"`
  const changed = `not exists (select from ${rows.old} o where ${state('o')} = ${state('r')})`
  // Under declared keys alone a move may bring rows before their parents.
  const ours = isSaid(path) ? '' : ` and coalesce(${held}, '') = ''`
  return `
      if tg_op = 'INSERT'${ours} then${record(loose, { ...written, judged: all })}
      elsif tg_op = 'UPDATE'${ours} then${record(loose, {
        ...written,
        judged: tenantless === 'stay' ? 'false' : changed,
      })}
      end if;`
}

/**
 * Statements that refuse rows of a move from which no way leads to a tenant. They are looked at at
 * commit: rows that come back get columns that only this end has once they are there. Empty: there
 * can be no such rows.
 */
export function pathlessCheck(loose: LooseRows, written: Omit<Written, 'condition'>): string {
  const { path, rows } = written
  const condition = pathless(loose, path)
  if (condition === null) return ''
  const { schema, table } = loose
  // Rows of a table without a key are never replaced, and could not be found again.
  const check =
    isSaid(path) || uniqueColumns(table)
      ? record(loose, { ...written, condition, judged: 'true' })
      : `
    if exists (select from ${rows.new} r where ${condition}) then
      raise exception 'the move has written rows of % that are of no tenant here',
          ${literal(qualified(schema, table.name))}
        using errcode = '23514', hint = 'rehome:stranger';
    end if;`
  return `
  if tg_op <> 'DELETE' and ${held} <> '' then${check}
  end if;`
}

/** Over a new row `r`, with the joins of its path. null: it has a tenant, or refers to a row. */
function pathless({ schema, table }: LooseRows, path: TenantPath): string | null {
  if (isSaid(path)) {
    const { tenant } = tenantJoin(path, { schema, alias: 'r' })
    const refers = stepsOf(path).map((step) => applies(step, 'r'))
    return `${tenant} is null and (${refers.join(' or ')}) is not true`
  }
  const columns = path.kind === 'column' ? [path.column] : stepsOf(path).flatMap((s) => s.columns)
  const nullable = table.columns.filter(({ name, notNull }) => columns.includes(name) && !notNull)
  if (nullable.length === 0) return null
  return `(${nullable.map(({ name }) => `r.${ident(name)} is null`).join(' or ')})`
}

const held = `pg_catalog.current_setting('rehome.token', true)`

/** The plan alone decides by which ways rows belong, at least by some of them. */
function isSaid(path: TenantPath): boolean {
  return hasSeveralWays(path) || isUndeclared(path)
}

function record(
  loose: LooseRows,
  { path, rows, condition, judged }: Written & { readonly judged: string },
): string {
  const { schema, scope, table } = loose
  const { joins, tenant } = tenantJoin(path, { schema, alias: 'r' })
  const key = keyOf(loose, path)
  const name = qualified(schema, table.name)
  const arrays = key.map((column, i) => `%${i + 1}$L::${percents(typeOf(table, column))}[]`)
  const names = [...key.map((_, i) => `c${i}`), 'judged']
  const isRow = columnsEqual(table, key, { alias: 'r', value: (_, i) => `k.c${i}` })
  const lacks = stepsOf(path)
    // A row to which none refers is one that its application has not used yet.
    .filter((step) => step.undeclared && !step.inverse)
    .map((step) => lacksParent(step, schema))
  // By another way the row may have a tenant.
  const isLoose = lacks.length > 0 ? `${tenant} is null and (${lacks.join(' or ')})` : 'false'
  const query = `select count(*) filter (where ${percents(`${tenant} is null`)}) as tenantless,
      count(*) filter (where k.judged and ${percents(isLoose)}) as loose,
      array_agg(distinct ${percents(tenant)}) filter (where ${percents(`${tenant} is not null`)}) as tenants
    from unnest(${arrays.join(', ')}, %${key.length + 1}$L::bool[]) k (${names.join(', ')})
      join ${percents(`${name} r`)} on ${percents(isRow)}${percents(joins)}`
  const values = key.map((column) => `array_agg(r.${ident(column)})::text`)
  return `
        insert into rehome.loose_rows (scope, table_name, query)
          select ${literal(scope)}, ${literal(name)},
            format(${literal(query)}, ${values.join(', ')}, array_agg(${judged})::text)
          from ${rows.new} r${joins} where ${condition}
            and exists (select from rehome.tenant_flags f
              where f.scope = ${literal(scope)} and f.mode <> 'capturing') having count(*) > 0;`
}

function lacksParent(step: Step, schema: string): string {
  const own = (alias: string) => (name: string) => `${alias}.${ident(name)}`
  const parent = `select from ${qualified(schema, step.parent)} p
      where ${isParent(step, own('p'), own('r'))}`
  return `(${applies(step, 'r')} and not exists (${parent}))`
}

/** Columns by which the written rows are found again. */
function keyOf({ table }: LooseRows, path: TenantPath): readonly string[] {
  const others = path.kind === 'any' ? path.key : stepsOf(path).flatMap(({ columns }) => columns)
  return uniqueColumns(table) ?? others
}

function uniqueColumns({ columns: all, uniques }: CatalogTable): readonly string[] | undefined {
  const isNotNull = (name: string) => all.some((column) => column.name === name && column.notNull)
  const unique =
    uniques.find(({ primary }) => primary) ??
    uniques.find(({ columns }) => columns.every(isNotNull))
  return unique?.columns
}

/** Text in a form that `format` leaves as it is. */
function percents(sql: string): string {
  return sql.replaceAll('%', '%%')
}

/**
 * Where a name without its schema is found: for our own statements in `pg_catalog` alone, and in
 * the application's schemas only around SQL that is the plan's or the application's own.
 *
 * A statement that holds SQL of the plan holds SQL of ours, too. There `pg_catalog` comes first,
 * and ours names schemas all the same: a better match in another schema would be chosen otherwise.
 */
import type { QueryConfig, QueryResult } from 'pg'
import { itemAt } from '../../known.ts'
import type { Client, Pool } from '../../postgres.ts'
import { idents } from '../../quote.ts'
import { ourSearchPath } from '../../sessions/settings.ts'
import { queryTogether } from './query-together.ts'

/** The schemas of an end, by which SQL that is not ours finds what it names. */
export interface Schemas {
  readonly schema: string
  /** The plan's search path. Absent: functions of the application's tables get along without. */
  readonly searchPath?: readonly string[] | undefined
}

/** For SQL of the plan. */
function planPath({ schema, searchPath = [] }: Schemas): string {
  const others = searchPath.filter((name) => name !== schema)
  return `pg_catalog, ${idents([schema, ...others])}, pg_temp`
}

/** For statements that call functions of the application: its triggers, checks and defaults. */
export function rowPath({ searchPath }: Schemas): string {
  return searchPath ? `pg_catalog, ${idents([...searchPath])}, pg_temp` : ourSearchPath
}

/** A value that is read: a column, or SQL of the plan. */
interface Value {
  readonly from: string | null
}

/** Do these values hold SQL of the plan? */
export function holdPlanSql(columns: readonly Value[]): boolean {
  return columns.some(({ from }) => from === null)
}

/** Does what is read hold SQL of the plan? */
export function readsPlanSql(
  { query }: { readonly query?: string | undefined },
  columns: readonly Value[],
): boolean {
  return query !== undefined || holdPlanSql(columns)
}

/** Until `leavePlan`, or the end of the transaction that the client is in. */
export const enterPlan = (end: Schemas) => `set local search_path = ${planPath(end)}`
export const leavePlan = `set local search_path = ${ourSearchPath}`

/** Begins to read. `plan`: SQL of the plan, until the transaction ends. */
export function beginReading(end: Schemas, plan: { readonly holdsPlanSql: boolean }): string {
  return plan.holdsPlanSql ? `begin read only; ${enterPlan(end)}` : 'begin read only'
}

/** One statement without parameters that holds SQL of the plan, in one call. */
export async function queryPlan(
  db: Pool | Client,
  end: Schemas,
  query: string | (QueryConfig & { readonly rowMode?: 'array' }),
): Promise<QueryResult> {
  const { text, ...options } = typeof query === 'string' ? { text: query } : query
  return itemAt(await queryTogether(db, [enterPlan(end), text, leavePlan], options), 1)
}

/** In a transaction of `reader` at the source: values that hold SQL of the plan are read. */
export async function aroundPlanSql<T>(
  { reader, source }: { readonly reader: Client; readonly source: Schemas },
  columns: readonly Value[],
  work: () => Promise<T>,
): Promise<T> {
  if (!holdPlanSql(columns)) return await work()
  await reader.query(enterPlan(source))
  const result = await work()
  await reader.query(leavePlan)
  return result
}

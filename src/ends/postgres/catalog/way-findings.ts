/**
 * Faults of the ways by which rows find their tenant: conditions that mean something else in other
 * sessions, and references without an index. Reads only.
 */
import type { Finding, Unindexed } from '../../../plan/catalogs/catalog.ts'
import type { EndTable } from '../../../plan/routing/route.ts'
import { idents, qualified } from '../../../quote.ts'
import type { SqlEnd } from '../../end.ts'
import { findUnindexed } from './rows-without-tenant.ts'
import { findUnsteadyConditions } from './way-conditions.ts'

type Place = Pick<SqlEnd, 'pool' | 'schema'>

/** `where`: what a finding calls a table. */
export async function findingsOfWays(
  end: Place,
  tables: readonly EndTable[],
  where: (table: string) => string,
): Promise<Finding[]> {
  const conditions = await conditionFindings(end, tables, where)
  const unindexed = await findUnindexed(end.pool, { schema: end.schema, tables })
  const indexes = unindexed.map((one) => ({
    where: where(one.table),
    message: unindexedMessage(end.schema, one),
  }))
  return [...conditions, ...indexes]
}

/** Guards ask conditions in the sessions of the application. */
export async function conditionFindings(
  { pool, schema }: Place,
  tables: readonly EndTable[],
  where: (table: string) => string,
): Promise<Finding[]> {
  const conditions = await findUnsteadyConditions(pool, { schema, tables })
  return conditions.map(({ table, condition, why }) => {
    const message = `the condition \`${condition}\` ${why}: compare columns of \`r\` with constants alone`
    return { where: where(table), message }
  })
}

/** Each guard, copy, comparison and removal finds rows by these columns. */
export function unindexedMessage(schema: string, { table, columns }: Unindexed): string {
  const create = `create index on ${qualified(schema, table)} (${idents(columns)})`
  return `no index begins with (${columns.join(', ')}), by which its rows are found: \`${create}\``
}

/**
 * Which of the plan's expressions give other values under other session settings than ours: the
 * application's sessions may well have others. Rows that are there are asked. Changes nothing.
 */
import type { Route } from '../../../plan/routing/route.ts'
import { type Client, withClient } from '../../../postgres.ts'
import { ident, literal, qualified } from '../../../quote.ts'
import type { SqlEnd } from '../../end.ts'
import { enterPlan } from '../search-path.ts'
import { asIndexed } from './way-conditions.ts'

export interface Dependence {
  readonly column: string
  readonly setting: string
}

/** Any value but ours will do: who does not name a time zone gets another time by it. */
const otherSettings = { TimeZone: 'Pacific/Kiritimati', DateStyle: 'ISO, DMY' }

const begin = 'begin isolation level repeatable read read only'

export async function dependentExpressions(end: SqlEnd, route: Route): Promise<Dependence[]> {
  const computed = route.columns.filter(({ from }) => from === null)
  if (computed.length === 0 || route.stream) return []
  return await withClient(end.pool, async (client) => {
    await client.query(`${begin}; ${enterPlan(end)}`)
    const dependences: Dependence[] = []
    for (const { name: column, expression } of computed) {
      const query = valuesQuery(end, route, expression)
      const ours = await answerOf(client, query)
      // An expression that fails, or differs by itself as a random number does, is found by the
      // copy.
      if (ours === null || ours !== (await answerOf(client, query))) continue
      for (const [setting, value] of Object.entries(otherSettings)) {
        const other = await answerOf(client, query, `set local ${setting} = ${literal(value)}`)
        if (other !== ours) dependences.push({ column, setting })
      }
    }
    await client.query('rollback')
    return dependences
  })
}

/**
 * Columns whose expressions the server takes for ones that depend on more than their row, such as
 * settings or the time, whatever their values in the rows that were tried.
 */
export async function unsteadyExpressions(end: SqlEnd, route: Route): Promise<string[]> {
  const computed = route.columns.filter(({ from }) => from === null)
  if (computed.length === 0 || route.stream) return []
  const at = { table: qualified(end.schema, route.source.name), path: enterPlan(end) }
  return await withClient(end.pool, async (client) => {
    const names: string[] = []
    for (const { name, expression } of computed) {
      if ((await asIndexed(client, at, { sql: expression })) !== null) names.push(name)
    }
    return names
  })
}

/** Rows of the table that are tried. */
export const rowsTried = 10_000

/** One text: equal where all values are. In binary, which no setting changes. */
function valuesQuery(
  { schema }: SqlEnd,
  { source, sourceKey }: Pick<Route, 'source' | 'sourceKey'>,
  expression: string,
): string {
  const order = sourceKey.map((name) => `t.${ident(name)}`).join(', ')
  const value = `pg_catalog.record_send(row(${expression}))::text`
  return `select pg_catalog.md5(coalesce(pg_catalog.string_agg(${value}, ','), '')) as answer
    from (select t.* from ${qualified(schema, source.name)} t order by ${order} limit ${rowsTried}) r`
}

/** null: it failed. Settings last as long as the query. */
async function answerOf(client: Client, query: string, settings = ''): Promise<string | null> {
  await client.query(`savepoint look; ${settings}`)
  try {
    return (await client.query(query)).rows[0].answer
  } catch {
    return null
  } finally {
    await client.query('rollback to savepoint look; release savepoint look')
  }
}

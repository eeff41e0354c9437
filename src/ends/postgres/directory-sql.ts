/**
 * SQL of the plan that stores a tenant's home in the application's directory, in the cutover's
 * commit or in one of its own. It has a second: writers of the tenant may be waiting behind it.
 */
import type { QueryResult } from 'pg'
import { messageOf, RehomeError } from '../../errors.ts'
import { type Client, inTransactionOf, toRehomeError, withClient } from '../../postgres.ts'
import type { SqlEnd } from '../end.ts'
import type { Flag, Hold } from '../flags.ts'
import { writtenRelations } from './catalog/read-relations.ts'
import { markMoved } from './fence/tenant-flags.ts'
import { scoped } from './postgres-end.ts'
import { enterPlan, type Schemas } from './search-path.ts'

export interface DirectorySql {
  /** One statement. */
  readonly sql: string
  /** Where it finds names without a schema. */
  readonly schemas: Schemas
}

const begin = 'begin; set local statement_timeout = 1000; set local lock_timeout = 1000'

export interface MovedAlso {
  readonly flag: Flag
  readonly rows: number
}

/**
 * The cutover's commit, and the directory's in it. null: the fence was gone, and nothing is done.
 * Throws DIRECTORY_NOT_UPDATED where the statement has failed, and then nothing is done either.
 */
export function markMovedAlso(
  end: SqlEnd,
  hold: Hold,
  { movedTo, also }: { readonly movedTo: string; readonly also: DirectorySql },
): Promise<MovedAlso | null> {
  return inTransactionOf(end.lifeline, begin, async (client) => {
    const flag = await markMoved(client, scoped(end, hold), movedTo)
    return flag && { flag, rows: await rowsOf(client, end, also) }
  })
}

/** In a commit of its own, while no later attempt has its turn. null: one has. */
export function updateDirectory(
  end: SqlEnd,
  { turn, ...hold }: Hold & { readonly turn: string },
  also: DirectorySql,
): Promise<number | null> {
  return inTransactionOf(end.lifeline, begin, async (client) => {
    const { scope, tenant } = scoped(end, hold)
    const query = `select from rehome.turns
      where scope = $1 and tenant_id = $2 and number = $3::int8 for share`
    const { rowCount } = await client.query(query, [scope, tenant, turn])
    return rowCount === 1 ? await rowsOf(client, end, also) : null
  })
}

interface Trial {
  readonly also: DirectorySql
  /** Relations with a guard, in the end's schema. */
  readonly guarded: readonly string[]
}

/** Does all of it but the commit. Throws DIRECTORY_NOT_UPDATED. */
export async function tryDirectory(end: SqlEnd, { also, guarded }: Trial): Promise<void> {
  await withClient(end.lifeline, async (client) => {
    await client.query(begin)
    await runAt(client, end, also)
    const { rows } = await client.query<{ name: string }>(changedText, [end.schema, guarded])
    await client.query('rollback')
    refuseGuarded(
      end,
      rows.map(({ name }) => name),
    )
  })
}

/** Relations of which the transaction has changed rows, by triggers and functions, too. */
const changedText = `select c.relname as name
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n
    on n.oid operator(pg_catalog.=) c.relnamespace
  where n.nspname operator(pg_catalog.=) $1
    and c.relname operator(pg_catalog.=) any ($2::pg_catalog.name[])
    and (pg_catalog.pg_stat_get_xact_tuples_inserted(c.oid)
      operator(pg_catalog.+) pg_catalog.pg_stat_get_xact_tuples_updated(c.oid)
      operator(pg_catalog.+) pg_catalog.pg_stat_get_xact_tuples_deleted(c.oid))
      operator(pg_catalog.>) 0
  order by 1 limit 1`

/** Names, types and rights, of statements that PostgreSQL can explain. Reads only. */
export async function explainDirectory(end: SqlEnd, { also, guarded }: Trial): Promise<void> {
  if (!/^\s*(insert|update|delete|merge|select|with)\b/i.test(also.sql)) return
  await withClient(end.pool, async (client) => {
    await client.query('begin read only')
    const explained = { ...also, sql: `explain (verbose, format json) ${also.sql}` }
    const { rows } = await runAt(client, end, explained)
    await client.query('rollback')
    const written = writtenRelations(rows).filter(({ schema }) => schema === end.schema)
    refuseGuarded(
      end,
      written.flatMap(({ name }) => (guarded.includes(name) ? [name] : [])),
    )
  })
}

/** The cutover's commit is refused by a guard, as the tenant is fenced there. */
function refuseGuarded({ name: end }: SqlEnd, [table]: readonly string[]): void {
  if (table === undefined) return
  const message = `\`cutover.also\` changes "${table}" at the ${end}, which the plan moves, so its guard refuses the change while the tenant is fenced: keep homes in a table that no plan moves, and \`exclude\` it from \`discover\``
  throw new RehomeError('DIRECTORY_NOT_UPDATED', message, { retryable: false })
}

async function rowsOf(client: Client, end: SqlEnd, also: DirectorySql): Promise<number> {
  return (await runAt(client, end, also)).rowCount ?? 0
}

/** Also what would fail at the commit fails here, where it is certain that there was none. */
async function runAt(client: Client, { name }: SqlEnd, also: DirectorySql): Promise<QueryResult> {
  try {
    await client.query(enterPlan(also.schemas))
    // The extended protocol refuses a second statement, such as a `commit`.
    const statement = { text: also.sql, queryMode: 'extended' }
    const result = await client.query(statement)
    await client.query('set constraints all immediate')
    return result
  } catch (error) {
    const { retryable } = toRehomeError(error, name)
    const message = `\`cutover.also\` failed at the ${name}: ${messageOf(error)}`
    throw new RehomeError('DIRECTORY_NOT_UPDATED', message, { cause: error, retryable })
  }
}

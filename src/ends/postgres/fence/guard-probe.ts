/**
 * Tries what the guard of a table asks of its rows, on a few that are there: what cannot work there
 * would fail every write of the table, of any tenant.
 *
 * It reads only, and takes no lock that a write would wait for.
 */
import { messageOf } from '../../../errors.ts'
import { inTransactionOf, type Pool, sqlStateOf } from '../../../postgres.ts'
import { qualified } from '../../../quote.ts'
import { unlikeBefore } from '../changes/change-log.ts'
import { tenantJoin } from '../tenant-of-rows.ts'
import { ownersCheck } from './guard-body.ts'
import type { Guarded } from './guard-sql.ts'

/** The settings of guards: nothing is found by any other search path. */
const begin = 'begin read only; set local search_path = pg_catalog, pg_temp'

/**
 * Why a guard could not work, in the server's words. null: it would, or our role may not look,
 * which is a finding of its own. Throws what may pass.
 */
export async function guardTrouble(pool: Pool, guarded: Guarded): Promise<string | null> {
  // Variables of guards and columns of logs are called so: nothing else could have such a name.
  const own = guarded.table.columns.find(({ name }) => name.startsWith('rehome_'))
  if (own) return `column "${own.name}" is called as rehome's own are, by "rehome_": rename it`
  try {
    await inTransactionOf(pool, begin, (client) => client.query(guardProbe(guarded)))
    return null
  } catch (error) {
    const state = sqlStateOf(error) ?? ''
    if (state === '42501') return null
    if (!isOfStatement.test(state)) throw error
    const message = messageOf(error)
    return /recursive UNION/.test(message) ? `${unhashed} (${message})` : message
  }
}

const unhashed =
  'its rows refer to each other by a key whose type has no hash function: give it a key of another type, or leave such ways out of `through`'

/** The statement itself is wrong there: names, types, operators, collations. */
const isOfStatement = /^(42|22|0A)/

/** Asks a few rows of the table all that the guard asks of the rows of a statement. */
function guardProbe({ schema, table, path, childKey, log }: Guarded): string {
  const tenantOf = (alias: string) => tenantJoin(path, { schema, alias })
  const { joins, tenant } = tenantOf('r')
  const some = `materialized (select * from ${qualified(schema, table.name)} limit 20)`
  const owners = ownersCheck(childKey, { joins, tenant })
  const columns = log?.columns ?? []
  const changed = columns.length > 0 ? unlikeBefore(columns, { tenantOf }) : 'true'
  return `with old_rows as ${some}, new_rows as ${some}
    select array_agg(distinct ${tenant}), min(${tenant} collate "C"),
      count(*) filter (where ${changed}), ${owners ?? 'false'}
    from new_rows r${joins}`
}

/** Named queries on rehome.new_ids: what old ids have become, once and for all of a run. */

import { literal } from '../../../quote.ts'
import type { SqlEnd } from '../../end.ts'
import type { IdSpace } from '../../rows.ts'
import { queryPlan } from '../search-path.ts'
import { arrayOfTexts } from '../text-batches.ts'

/** Old → new, of all that are given. Repeating it gives the same. */
export async function newIdsOf(
  end: SqlEnd,
  { scope, tenant, runId, space, by }: IdSpace,
  old: readonly string[],
): Promise<Map<string, string>> {
  const of = [scope, tenant, runId, space].map((text) => `${literal(text)}::text`).join(', ')
  const ids = literal(
    arrayOfTexts(
      old.map((id) => [id]),
      0,
    ),
  )
  const make = `
    insert into rehome.new_ids (scope, tenant_id, run_id, space, old_id, new_id)
    select ${of}, w.id, (${by})::text from pg_catalog.unnest(${ids}::text[]) w (id)
    where not exists (select from rehome.new_ids n
      where (n.scope, n.tenant_id, n.run_id, n.space, n.old_id) = (${of}, w.id))
    on conflict do nothing`
  const look = `select old_id as old, new_id as new from rehome.new_ids
    where scope = $1 and tenant_id = $2 and run_id = $3 and space = $4 and old_id = any ($5)`
  const values = [scope, tenant, runId, space, old]
  await queryPlan(end.pool, end, make)
  const { rows } = await end.pool.query(look, values)
  return new Map(rows.map((row: { old: string; new: string }) => [row.old, row.new]))
}

/** All ids that the run has made for the tenant: its rows are gone. */
export async function forgetNewIds(
  { pool }: SqlEnd,
  { scope, tenant, runId }: Pick<IdSpace, 'scope' | 'tenant' | 'runId'>,
): Promise<void> {
  const query = `delete from rehome.new_ids where scope = $1 and tenant_id = $2 and run_id = $3`
  await pool.query(query, [scope, tenant, runId])
}

/** Named queries on rehome.new_ids: what old ids have become, once and for all of a run. */

import { literal } from '../../../quote.ts'
import type { SqlEnd } from '../../end.ts'
import type { IdSpace } from '../../rows.ts'
import { queryPlan } from '../search-path.ts'
import { arrayOfTexts } from '../text-batches.ts'

/** Old → new, of all that are given. Repeating it gives the same. */
export async function newIdsOf(
  end: SqlEnd,
  ids: IdSpace,
  old: readonly string[],
): Promise<Map<string, string>> {
  await queryPlan(end.pool, end, makingSql(ids, old))
  return await knownIdsOf(end, ids, old)
}

/** Old → new, of those that have been made. Changes nothing. */
export async function knownIdsOf(
  end: Pick<SqlEnd, 'pool'>,
  { scope, tenant, runId, space }: Omit<IdSpace, 'by'>,
  old: readonly string[],
): Promise<Map<string, string>> {
  const look = `select old_id as old, new_id as new from rehome.new_ids
    where scope = $1 and tenant_id = $2 and run_id = $3 and space = $4 and old_id = any ($5)`
  const { rows } = await end.pool.query(look, [scope, tenant, runId, space, old])
  return new Map(rows.map((row: { old: string; new: string }) => [row.old, row.new]))
}

function makingSql({ scope, tenant, runId, space, by }: IdSpace, old: readonly string[]): string {
  const of = [scope, tenant, runId, space].map((text) => `${literal(text)}::text`).join(', ')
  const ids = literal(
    arrayOfTexts(
      old.map((id) => [id]),
      0,
    ),
  )
  return `
    insert into rehome.new_ids (scope, tenant_id, run_id, space, old_id, new_id)
    select ${of}, w.id, (${by})::text from pg_catalog.unnest(${ids}::text[]) w (id)
    where not exists (select from rehome.new_ids n
      where (n.scope, n.tenant_id, n.run_id, n.space, n.old_id) = (${of}, w.id))
    on conflict do nothing`
}

/** All ids that the run has made for the tenant: its rows are gone. */
export async function forgetNewIds(
  { pool }: SqlEnd,
  { scope, tenant, runId }: Pick<IdSpace, 'scope' | 'tenant' | 'runId'>,
): Promise<void> {
  const query = `delete from rehome.new_ids where scope = $1 and tenant_id = $2 and run_id = $3`
  await pool.query(query, [scope, tenant, runId])
}

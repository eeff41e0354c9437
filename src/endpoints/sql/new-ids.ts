/** Named queries on rehome.new_ids: what old ids have become, once and for all of a run. */
import type { FlagKey } from '../flags.ts'
import type { SqlEnd } from './end.ts'

export interface IdSpace extends FlagKey {
  readonly runId: string
  readonly space: string
  /** SQL that makes a new id. */
  readonly by: string
}

/** Old → new, of all that are given. Repeating it gives the same. */
export async function newIdsOf(
  { pool }: SqlEnd,
  { scope, tenant, runId, space, by }: IdSpace,
  old: readonly string[],
): Promise<Map<string, string>> {
  const make = `
    insert into rehome.new_ids (scope, tenant_id, run_id, space, old_id, new_id)
    select $1, $2, $3, $4, w.id, (${by})::text from unnest($5::text[]) w (id)
    where not exists (select from rehome.new_ids n where n.scope = $1 and n.tenant_id = $2
      and n.run_id = $3 and n.space = $4 and n.old_id = w.id)
    on conflict do nothing`
  const look = `select old_id as old, new_id as new from rehome.new_ids
    where scope = $1 and tenant_id = $2 and run_id = $3 and space = $4 and old_id = any ($5)`
  const values = [scope, tenant, runId, space, old]
  await pool.query(make, values)
  const { rows } = await pool.query(look, values)
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

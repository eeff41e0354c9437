/**
 * The application's knowledge of its tenants when it begins: where they live, and a few of their
 * tasks.
 *
 * Read once; where a tenant lives later is learned from the fence (traffic.ts). It writes nothing.
 */
import { type Pools, readHomes } from './home.ts'
import type { EndName, Ledger } from './ledger.ts'

export interface Tenant {
  readonly id: string
  /** Up to five, which are edited and commented on. */
  readonly tasks: readonly string[]
  home: EndName
  /** One of its writes waits at the fence. */
  waiting: boolean
}

const someTasks = `select id::text, tenant_id as tenant, edits from (
    select id, tenant_id, edits, row_number() over (partition by tenant_id order by id) as place
    from tasks where tenant_id = any ($1) and request_id is null
  ) numbered where place <= 5`

/** Also notes in the ledger how often those tasks have been edited. */
export async function readTenants(
  pools: Pools,
  { ids, ledger }: { ids: readonly string[]; ledger: Ledger },
): Promise<Tenant[]> {
  const homes = await readHomes(pools)
  const tasks = new Map<string, string[]>(ids.map((id) => [id, []]))
  for (const end of ['source', 'target'] as const) {
    const here = ids.filter((id) => homes(id) === end)
    const found = await pools[end].query<{ id: string; tenant: string; edits: number }>(someTasks, [
      here,
    ])
    for (const { id, tenant, edits } of found.rows) {
      tasks.get(tenant)?.push(id)
      if (!ledger.editsBefore.has(id)) ledger.editsBefore.set(id, { tenant, edits })
    }
  }
  return [...tasks].map(([id, own]) => {
    if (own.length === 0) throw new Error(`tenant ${JSON.stringify(id)} has no task to write about`)
    return { id, tasks: own, home: homes(id), waiting: false }
  })
}

/**
 * The move that fails: one tenant has a task whose estimate is negative, which the old data model
 * took and the new one refuses ("an estimate is not negative"). Someone had typed `-4` to give
 * hours back.
 *
 * The fault is in the tenant's data, not in rehome, and so is its repair, by an ordinary write at
 * the source, where the tenant goes on working after the failed move.
 */
import pg from 'pg'

export const failingTenant = 'granite-works'

/** Late in the order of keys, so that most of the tenant has been copied when it is met. */
const lateTask = `select id from tasks where tenant_id = $1 and status <> 'dropped'
  order by id desc offset 9 limit 1`

/** Part of the seed; nothing happens where the tenant does not exist or has few tasks. */
export async function plantFault(client: pg.ClientBase): Promise<void> {
  const plant = `update tasks set title = 'Give back what we overran', estimate_hours = -4
    where id = (${lateTask})`
  await client.query(plant, [failingTenant])
}

/** The repair that the tenant's own people make. Returns how many rows it changed. */
export async function repairFault(sourceUrl: string): Promise<number> {
  const client = new pg.Client({ connectionString: sourceUrl })
  await client.connect()
  try {
    const repair = `update tasks set estimate_hours = 0, updated_at = now()
      where tenant_id = $1 and estimate_hours < 0`
    return (await client.query(repair, [failingTenant])).rowCount ?? 0
  } finally {
    await client.end()
  }
}

/**
 * After a failure before the cutover the tenant's writes come back at once. Where that cannot be
 * done now, it is tried for the length of the lease; then the lease has lapsed and the first writer
 * does it.
 */
import { now, sleep } from '../clock.ts'
import type { SqlEnd } from '../endpoints/sql/end.ts'
import { removeFlag } from '../endpoints/sql/flags.ts'
import { messageOf } from '../errors.ts'
import { holdOf, type Shard } from './shard.ts'

/** Never throws: the reason for the retreat is what is to be told. Returns the pause in ms. */
export async function retreat(shard: Shard, end: 'source' | 'target'): Promise<number> {
  const heldMs = shard.lease.letGo()
  const deadline = now() + shard.plan.fence.leaseMs
  for (;;) {
    const error = await lower(shard, shard.ends[end])
    if (error === null) return heldMs
    shard.log.warn({ err: error }, 'the fence could not be lowered yet')
    if (now() > deadline) {
      shard.tell(`the fence could not be lowered (${messageOf(error)}); its lease has lapsed`)
      return heldMs
    }
    await sleep(250)
  }
}

async function lower(shard: Shard, end: SqlEnd): Promise<unknown> {
  try {
    await removeFlag(end.lifeline, holdOf(shard), 'read_only')
    return null
  } catch (error) {
    return error
  }
}

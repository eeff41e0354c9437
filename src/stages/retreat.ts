/**
 * After a failure before the cutover the tenant's writes come back at once; where another attempt
 * is to go on with what was copied, they are logged until it comes. Where that cannot be
 * done now, it is tried for the length of the lease; then the lease has lapsed and the first writer
 * does it.
 */
import { now, sleep } from '../clock.ts'
import { lowerToCapture } from '../endpoints/sql/captures.ts'
import type { SqlEnd } from '../endpoints/sql/end.ts'
import { lowerFence } from '../endpoints/sql/flags.ts'
import { messageOf } from '../errors.ts'
import { holdOf, type Shard } from './shard.ts'

export interface Retreat {
  readonly end: 'source' | 'target'
  /** For how long changes go on being logged, in ms; null: they are not. */
  readonly captureMs: number | null
}

/** Never throws: the reason for the retreat is what is to be told. Returns the pause in ms. */
export async function retreat(shard: Shard, { end, captureMs }: Retreat): Promise<number> {
  const heldMs = shard.lease.letGo()
  const deadline = now() + shard.plan.fence.leaseMs
  for (;;) {
    const error = await lower(shard, shard.ends[end], captureMs)
    if (error === null) return heldMs
    shard.log.warn({ err: error }, 'the fence could not be lowered yet')
    if (now() > deadline) {
      shard.tell(`the fence could not be lowered (${messageOf(error)}); its lease has lapsed`)
      return heldMs
    }
    await sleep(250)
  }
}

async function lower(shard: Shard, end: SqlEnd, captureMs: number | null): Promise<unknown> {
  const hold = holdOf(shard)
  try {
    if (captureMs !== null) await lowerToCapture(end.lifeline, hold, captureMs)
    else await lowerFence(end.lifeline, hold)
    return null
  } catch (error) {
    return error
  }
}

/**
 * After a failure before the cutover the tenant's writes come back at once; where another attempt
 * is to go on with what was copied, they are logged until it comes. Where that cannot be
 * done now, it is tried for the length of the lease; then the lease has lapsed and the first writer
 * does it.
 */
import { now, sleep } from '../clock.ts'
import type { Flags } from '../ends/flags.ts'
import { messageOf } from '../errors.ts'
import { holdOf, type Shard } from './shard.ts'

export interface Retreat {
  readonly end: 'source' | 'target'
  /** For how long changes go on being logged, in ms; null: they are not. */
  readonly captureMs: number | null
}

/** Never throws, so that the reason for the retreat is reported. Returns the pause in ms. */
export async function retreat(shard: Shard, { end, captureMs }: Retreat): Promise<number> {
  const heldMs = shard.lease.letGo()
  const deadline = now() + shard.plan.fence.leaseMs
  for (;;) {
    const error = await lower(shard, shard.ends[end].flags, captureMs)
    if (error === null) return heldMs
    shard.log.warn({ err: error }, 'the fence could not be lowered yet')
    if (now() > deadline) {
      shard.tell(`the fence could not be lowered (${messageOf(error)}); its lease has lapsed`)
      return heldMs
    }
    await sleep(250)
  }
}

async function lower(shard: Shard, flags: Flags, captureMs: number | null): Promise<unknown> {
  const hold = holdOf(shard)
  try {
    if (captureMs !== null) await flags.lowerToCapture({ ...hold, leaseMs: captureMs })
    else await flags.lowerFence(hold)
    return null
  } catch (error) {
    return error
  }
}

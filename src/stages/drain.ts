/** Waits for writers that were in before the fence. Only afterwards does a snapshot count. */
import { round } from '../clock.ts'
import { rowsOf } from '../endpoints/ends.ts'
import type { Stage } from './shard.ts'

export const drain: Stage = {
  phase: 'drain',
  async run(shard) {
    const { tenant, signal } = shard
    const { drainMs } = shard.plan.fence
    const waiting = rowsOf(shard.ends.source).drain({ tenant, drainMs, signal })
    const { waitedMs } = await waiting
    shard.evidence.drainedMs = round(waitedMs)
  },
}

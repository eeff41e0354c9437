/** Waits for writers that were in before the fence. Only afterwards does a snapshot count. */
import { round } from '../clock.ts'
import { drain as drainWriters } from '../endpoints/sql/drain.ts'
import type { Stage } from './shard.ts'

export const drain: Stage = {
  phase: 'drain',
  async run(shard) {
    const { tenant, signal } = shard
    const { drainMs } = shard.plan.fence
    const { waitedMs } = await drainWriters(shard.ends.source.pool, { tenant, drainMs, signal })
    shard.evidence.drainedMs = round(waitedMs)
  },
}

/** Waits for writers that were in at the target before it was fenced. */
import { drain } from '../endpoints/sql/drain.ts'
import type { Stage } from './shard.ts'

export const undoDrain: Stage = {
  phase: 'undo_drain',
  async run(shard) {
    const { tenant, signal } = shard
    const { drainMs } = shard.plan.fence
    await drain(shard.ends.target.pool, { tenant, drainMs, signal })
  },
}

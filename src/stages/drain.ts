/**
 * Waits for writers that were in before the fence, and for the tenant's own work that no database
 * sees. Only afterwards does a snapshot count.
 */

import { type Shard, type Stage, unlessAborted } from '../attempt/shard.ts'
import { now, round } from '../clock.ts'
import { messageOf, RehomeError } from '../errors.ts'
import { referencesMaxOf } from '../plan/routing/path.ts'

export const drain: Stage = {
  phase: 'drain',
  beginsUnstored: true,
  async run(shard) {
    const start = now()
    const { tenant, signal } = shard
    const { drainMs } = shard.plan.fence
    const referencesMax = referencesMaxOf(shard.survey.sources)
    const waiting = { tenant, drainMs, referencesMax, signal }
    const writers = shard.ends.source.rows.drain(waiting)
    await Promise.all([writers, ownWorkEnds(shard)])
    shard.evidence.drainedMs = round(now() - start)
  },
}

async function ownWorkEnds({ plan, tenant, signal }: Shard): Promise<void> {
  const { drained, drainMs } = plan.fence
  if (!drained) return
  const late = AbortSignal.timeout(drainMs)
  const until = AbortSignal.any([signal, late])
  try {
    await unlessAborted(drained(tenant, { signal: until }), until)
  } catch (error) {
    signal.throwIfAborted()
    const why = late.aborted ? `had not ended after ${drainMs} ms` : messageOf(error)
    throw new RehomeError('DRAIN_TIMEOUT', `the plan's \`fence.drained\`: ${why}`, { cause: error })
  }
}

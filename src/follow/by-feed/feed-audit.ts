/**
 * Would a rollback bring all back, where an end is asked over HTTP? Nothing can be undone there
 * that several requests have done: so each step is tried and undone alone, and what stands there
 * without having changed is compared.
 */

import type { Shard } from '../../attempt/shard.ts'
import { now, round } from '../../clock.ts'
import { reachedBy } from '../feeds.ts'
import { dueTables } from './feed-due.ts'
import { nothingTouched } from './feed-keys.ts'
import { bringTable } from './feed-rows.ts'
import { verifyUnchanged } from './feed-verification.ts'

/** Throws what a round throws. */
export async function tryFollowing(shard: Shard): Promise<{ changes: number; ms: number }> {
  const start = now()
  const { step, since } = await reachedBy(shard)
  const due = await dueTables(shard, since)
  for (const table of due.tables) {
    const bringing = { since, steps: { last: step }, undone: true }
    await bringTable(shard, nothingTouched(table), bringing)
  }
  await verifyUnchanged(shard, since)
  return { changes: due.total, ms: round(now() - start) }
}

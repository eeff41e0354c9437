/** The tenant's rows come to the target: under the fence, or while the tenant goes on writing. */

import { advanceSequences } from '../attempt/sequences.ts'
import { holdOf, type Stage, store } from '../attempt/shard.ts'
import { copyTables, tellQuarantined } from '../copying/copy-tables.ts'
import { followerOf } from '../follow/follower-of.ts'
import { removeTenant } from './remove-tenant.ts'

export const copy: Stage = {
  phase: 'copy',
  async run(shard) {
    const { scope } = shard.plan
    const key = { scope, tenant: shard.tenant, epoch: shard.epoch }
    const known = await shard.ends.target.rows.readProgress(key)
    await copyTables(shard, { ends: shard.ends, known })
    await advanceSequences(shard, 'target')
    await tellQuarantined(shard)
    await store(shard, { rowsCopied: shard.rowsCopied })
  },
}

/**
 * Copies rows as they were at one moment, while the tenant goes on writing. Rows that an earlier
 * attempt has left half done is removed: it is of another moment.
 */
export const copyWhileWritten: Stage = {
  phase: 'copy',
  async run(shard) {
    const { target } = shard.ends
    const hold = { ...holdOf(shard), epoch: shard.epoch }
    await removeTenant(shard, 'target', { mode: 'receiving' })
    await target.rows.forgetProgress(hold)
    await followerOf(shard).copy(shard)
    await advanceSequences(shard, 'target')
    await store(shard, { rowsCopied: shard.rowsCopied })
  },
}

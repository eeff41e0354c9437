/** The tenant's rows come to the target: under the fence, or while the tenant goes on writing. */

import { advanceSequences } from '../attempt/sequences.ts'
import { holdOf, note, type Stage } from '../attempt/shard.ts'
import { copyTables, tellQuarantined } from '../copying/copy-tables.ts'
import { withSharedRows } from '../copying/shared-rows.ts'
import { followerOf } from '../follow/follower-of.ts'
import { removeTenant } from './remove-tenant.ts'

export const copy: Stage = {
  phase: 'copy',
  beginsUnstored: true,
  async run(shard) {
    const { scope } = shard.plan
    const key = { scope, tenant: shard.tenant, epoch: shard.epoch }
    const progress = shard.targetEmptied
      ? new Map()
      : await shard.ends.target.rows.readProgress(key)
    const { ends } = shard
    await withSharedRows(shard, ends, () => copyTables(shard, { ends, known: progress }))
    await advanceSequences(shard, 'target')
    await tellQuarantined(shard)
    note(shard, { rowsCopied: shard.rowsCopied })
  },
}

/**
 * Copies rows as they were at one moment, while the tenant goes on writing. Rows that an earlier
 * attempt has left half done is removed: it is of another moment.
 */
export const copyWhileWritten: Stage = {
  phase: 'copy',
  isPaced: true,
  async run(shard) {
    const { target } = shard.ends
    const hold = { ...holdOf(shard), epoch: shard.epoch }
    if (!shard.targetEmptied) {
      await removeTenant(shard, 'target', { mode: 'receiving' })
      await target.rows.forgetProgress(hold)
    }
    await followerOf(shard).copy(shard)
    await advanceSequences(shard, 'target')
    note(shard, { rowsCopied: shard.rowsCopied })
  },
}

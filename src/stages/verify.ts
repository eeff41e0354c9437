/** Everything is compared, by this attempt: nothing of an earlier one counts. */

import { advanceSequences } from '../attempt/sequences.ts'
import type { Stage } from '../attempt/shard.ts'
import { refuseNewStrays, refuseStrays } from '../attempt/strays.ts'
import { compareEverything, refuseChangedSchema } from '../comparison/verification.ts'
import { withShared } from '../copying/shared-rows.ts'
import { followerOf } from '../follow/follower-of.ts'

/** Under the fence, where both ends stand still. */
export const verify: Stage = {
  phase: 'verify',
  beginsUnstored: true,
  async run(shard) {
    await compareEverything(shard)
    await refuseNewStrays(shard)
    // Right before the cutover: what comes later is not seen.
    await refuseChangedSchema(shard)
  },
}

/** At one moment, after a round that has brought the target there, while the tenant writes. */
export const verifyWhileWritten: Stage = {
  phase: 'verify',
  isPaced: true,
  async run(shard) {
    const { ms } = await followerOf(shard).round(shard, 'everything')
    await refuseStrays(shard)
    shard.tell(`compared everything within ${ms} ms`)
    // An attempt before this one may have died between bringing ids and telling the sequences.
    if (!shard.targetEmptied) await advanceSequences(withShared(shard), 'target')
  },
}

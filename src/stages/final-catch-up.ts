/** The last round: the fence refuses all writes, so after it both ends are equal. */

import type { Stage } from '../attempt/shard.ts'
import { refuseNewStrays } from '../attempt/strays.ts'
import { refuseChangedSchema } from '../comparison/verification.ts'
import { followerOf } from '../follow/follower-of.ts'
import { allOf } from '../parallel.ts'
import { tellRound } from './catch-up.ts'

export const finalCatchUp: Stage = {
  phase: 'final_catch_up',
  beginsUnstored: true,
  async run(shard) {
    const last = await followerOf(shard).round(shard, 'the last changes')
    tellRound(shard, last)
    shard.evidence.lastRound = last
    // Rounds look at what was logged, in the columns that were there before the fence.
    await allOf([refuseNewStrays(shard), refuseChangedSchema(shard)])
  },
}

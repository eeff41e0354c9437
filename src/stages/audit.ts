import { holdOf, type Stage } from '../attempt/shard.ts'
import { refuseStrays } from '../attempt/strays.ts'
import { wayBackOf } from '../attempt/way-back.ts'
import { refuseBrokenHome } from '../comparison/invariants.ts'
import { followerOf } from '../follow/follower-of.ts'
import { claimOldHome } from './undo/undo-catch-up.ts'

export const audit: Stage = {
  phase: 'audit',
  async run(shard) {
    const { source, target } = shard.ends
    await claimOldHome(shard)
    const back = wayBackOf(shard)
    await refuseStrays(back)
    const { changes, ms } = await followerOf(back).dryRun(back)
    const invariants = await refuseBrokenHome(shard)
    shard.evidence.audit = { at: new Date().toISOString(), changes, ms, invariants }
    shard.tell(`${changes} changes since the cutover would come back, and both ends be equal`)
    shard.lease.letGo()
    await source.flags.giveUpTarget(holdOf(shard))
    await target.flags.lowerFence(holdOf(shard))
  },
}

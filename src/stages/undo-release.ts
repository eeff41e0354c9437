/** The source opens: the tenant's writes go on where they were before the move. */
import { now, round } from '../clock.ts'
import { adopt, removeFlag } from '../endpoints/sql/flags.ts'
import { holdOf, type Stage } from './shard.ts'

export const undoRelease: Stage = {
  phase: 'undo_release',
  async run(shard) {
    const { lifeline } = shard.ends.source
    const hold = holdOf(shard)
    await adopt(lifeline, { ...hold, moveId: shard.move.id, mode: 'moved' })
    await removeFlag(lifeline, hold, 'moved')
    if (shard.pausedSince !== null) {
      shard.evidence.rollbackPauseMs = round(now() - shard.pausedSince)
    }
  },
}

/** The source opens: the tenant's writes go on where they were before the move. */

import { publishHome } from '../../attempt/directory.ts'
import { holdOf, type Stage, store } from '../../attempt/shard.ts'
import { tellNewStrays } from '../../attempt/strays.ts'
import { wayBackOf } from '../../attempt/way-back.ts'
import { now, round } from '../../clock.ts'
import { forgetCapture } from '../capture.ts'

export const undoRelease: Stage = {
  phase: 'undo_release',
  beginsUnstored: true,
  async run(shard) {
    const { flags } = shard.ends.source
    const hold = holdOf(shard)
    for (const mode of ['moved', 'receiving'] as const) {
      if (!(await flags.adopt({ ...hold, moveId: shard.move.id, mode }))) continue
      await flags.removeFlag({ ...hold, mode })
    }
    if (shard.pausedSince !== null) {
      shard.evidence.rollbackPauseMs = round(now() - shard.pausedSince)
    }
    await store(shard, { message: `${shard.ends.source.place} is the home again` })
    const back = wayBackOf(shard)
    await forgetCapture(back).catch((err: unknown) => shard.log.warn({ err }, 'the log stays'))
    await tellNewStrays(back)
    await publishHome(shard, shard.ends.source)
  },
}

import { holdOf, type Stage } from '../attempt/shard.ts'
import { wayBackOf } from '../attempt/way-back.ts'
import { forgetCapture } from './capture.ts'
import { leaveOldHome } from './resume.ts'

export const finalize: Stage = {
  phase: 'finalize',
  async run(shard) {
    const { flags } = shard.ends.target
    await leaveOldHome(shard)
    await flags.endCapture({ ...holdOf(shard), moveId: shard.move.id })
    await forgetCapture(wayBackOf(shard))
    shard.tell('the target no longer logs writes')
  },
}

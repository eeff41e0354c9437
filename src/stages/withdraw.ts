/**
 * A rollback before the cutover: the source opens first, then what came to the target is removed,
 * and last the claim to the target. Only what this move left behind is touched.
 */
import { adopt, giveUpTarget, readFlag } from '../endpoints/sql/flags.ts'
import { forgetProgress } from '../endpoints/sql/progress.ts'
import { wipeTenant } from '../endpoints/sql/wipe.ts'
import { forgetCapture } from './capture.ts'
import { openSource } from './resume.ts'
import { tablesToWipe } from './rows.ts'
import { holdOf, type Stage } from './shard.ts'

export const withdraw: Stage = {
  phase: 'withdraw',
  async run(shard) {
    const { target } = shard.ends
    const hold = holdOf(shard)
    const moveId = shard.move.id
    await openSource(shard)
    await forgetCapture(shard)
    if (!(await adopt(target.lifeline, { ...hold, moveId, mode: 'receiving' }))) return
    const flag = await readFlag(target.lifeline, hold)
    // Closed, and never found empty: nothing was copied, and what is there is somebody's.
    const groups = flag?.rowsAreOurs ? tablesToWipe(shard, 'target') : []
    const options = { mode: 'receiving', signal: shard.signal } as const
    const rows = await wipeTenant(target, hold, { groups, options })
    await forgetProgress(target.lifeline, hold)
    await giveUpTarget(target.lifeline, hold)
    shard.evidence.withdrawnRows = rows
    shard.tell(`removed ${rows} rows from the target`)
  },
}

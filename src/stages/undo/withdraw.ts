import { givingWay, holdOf, type Stage } from '../../attempt/shard.ts'
import { forgetCapture } from '../capture.ts'
import { removeTenant } from '../remove-tenant.ts'
import { openSource } from '../resume.ts'

export const withdraw: Stage = {
  phase: 'withdraw',
  async run(shard) {
    const { target } = shard.ends
    const hold = holdOf(shard)
    const moveId = shard.move.id
    // The tenant may wait under a fence until then.
    await openSource(shard)
    await forgetCapture(shard)
    if (!(await target.flags.adopt({ ...hold, moveId, mode: 'receiving' }))) return
    const flag = await target.flags.readFlag(hold)
    // Closed, and never found empty: nothing was copied, and what is there is somebody's.
    const remove = () => removeTenant(shard, 'target', { mode: 'receiving' })
    const rows = flag?.rowsAreOurs ? await givingWay(shard, remove) : 0
    await target.rows.forgetProgress(hold)
    await target.flags.giveUpTarget(hold)
    shard.evidence.withdrawnRows = rows
    shard.tell(`removed ${rows} rows from the target`)
  },
}

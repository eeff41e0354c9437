/** One commit at the target: from then on the source is the tenant's home again. */

import type { Stage } from '../../attempt/shard.ts'
import { commitMoved } from '../cutover.ts'

export const undoCutover: Stage = {
  phase: 'undo_cutover',
  async run(shard) {
    shard.lease.letGo()
    const { source, target } = shard.ends
    await commitMoved(shard, { from: target, to: source })
  },
}

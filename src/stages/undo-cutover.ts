/** One commit at the target: from then on the source is the tenant's home again. */
import { commitMoved } from './cutover.ts'
import type { Stage } from './shard.ts'

export const undoCutover: Stage = {
  phase: 'undo_cutover',
  async run(shard) {
    shard.lease.letGo()
    const { source, target } = shard.ends
    await commitMoved(shard, { from: target, to: source.place })
  },
}

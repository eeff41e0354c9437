/** Waits for writers that were in at the target before it was fenced. */

import type { Stage } from '../../attempt/shard.ts'
import { wayBackOf } from '../../attempt/way-back.ts'
import { drain } from '../drain.ts'

export const undoDrain: Stage = {
  phase: 'undo_drain',
  beginsUnstored: true,
  run: (shard) => drain.run(wayBackOf(shard)),
}

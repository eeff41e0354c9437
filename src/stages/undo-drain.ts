/** Waits for writers that were in at the target before it was fenced. */
import { drain } from './drain.ts'
import type { Stage } from './shard.ts'
import { wayBackOf } from './way-back.ts'

export const undoDrain: Stage = {
  phase: 'undo_drain',
  run: (shard) => drain.run(wayBackOf(shard)),
}

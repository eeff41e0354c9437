/** Brings the last changes to the old home, while the new one refuses writes. */
import { finalCatchUp } from './final-catch-up.ts'
import type { Stage } from './shard.ts'
import { wayBackOf } from './way-back.ts'

export const undoFinalCatchUp: Stage = {
  phase: 'undo_final_catch_up',
  run: (shard) => finalCatchUp.run(wayBackOf(shard)),
}

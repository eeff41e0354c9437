/** The last changes follow to the old home, while nobody can write at the new one. */
import { finalCatchUp } from './final-catch-up.ts'
import type { Stage } from './shard.ts'
import { wayBackOf } from './way-back.ts'

export const undoFinalCatchUp: Stage = {
  phase: 'undo_final_catch_up',
  run: (shard) => finalCatchUp.run(wayBackOf(shard)),
}

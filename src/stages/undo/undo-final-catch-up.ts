/** Brings the last changes to the old home, while the new one refuses writes. */

import type { Stage } from '../../attempt/shard.ts'
import { wayBackOf } from '../../attempt/way-back.ts'
import { finalCatchUp } from '../final-catch-up.ts'

export const undoFinalCatchUp: Stage = {
  phase: 'undo_final_catch_up',
  beginsUnstored: true,
  run: (shard) => finalCatchUp.run(wayBackOf(shard)),
}

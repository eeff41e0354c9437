/** Gives the moves that are next their jobs, a few of each run at a time. */
import type { Control } from '../../control/database.ts'
import { takeNextMoves } from '../../control/fleet/next-moves.ts'
import { addJobs } from '../../queue/jobs.ts'
import { ensureJobs } from '../../queue/limits.ts'
import type { Queues } from '../../queue/queues.ts'

interface At {
  readonly control: Control
  readonly queues: Queues
}

/**
 * Returns how many jobs were given. Anybody may call it at any time. `runId`: of this run alone,
 * also if no worker has its plan.
 */
export async function feed({ control, queues }: At, runId?: string): Promise<number> {
  const moves = await takeNextMoves(control, runId)
  const runs = new Map(moves.map((move) => [move.run_id, move]))
  for (const run of runs.values()) {
    const own = moves.filter((move) => move.run_id === run.run_id)
    // A move of a later generation may have the ended job of an earlier one.
    const fresh = own.filter(({ generation }) => generation === 0)
    await addJobs(queues, fresh[0] ?? run, fresh)
    const again = own.filter(({ generation }) => generation > 0)
    await ensureJobs(queues, again, { run })
  }
  return moves.length
}

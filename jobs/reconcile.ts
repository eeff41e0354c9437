/**
 * Not a job but what looks after them: open moves that nobody has touched for a while get their job
 * again, so that a flushed Redis or a worker that died between two stores loses nothing.
 */

import type { Control } from '../src/control/database.ts'
import { openMoves } from '../src/control/moves.ts'
import { reconcile } from '../src/coordinator/enqueue.ts'
import type { Logger } from '../src/log.ts'
import type { Queues } from '../src/queue/queues.ts'

export interface ReconcileOptions {
  readonly control: Control
  readonly queues: Queues
  readonly log: Logger
  /** Default 5,000. */
  readonly everyMs?: number | undefined
}

/** Looks at once and then every `everyMs`, one look at a time. Returns what ends it. */
export function startReconcile(options: ReconcileOptions): () => void {
  const everyMs = options.everyMs ?? 5_000
  let timer: NodeJS.Timeout
  let ended = false
  const look = async () => {
    try {
      await reconcile(options, await openMoves(options.control, everyMs))
    } catch (error) {
      options.log.warn({ err: error }, 'could not reconcile, will look again')
    }
    if (!ended) timer = setTimeout(look, everyMs)
  }
  void look()
  return () => {
    ended = true
    clearTimeout(timer)
  }
}

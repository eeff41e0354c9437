/**
 * Runs in a loop, not as a job: feeds the queue from the backlog in the control database. Each
 * worker does; a lock lets one of them look at a time, so it does not matter which of them dies.
 */
import type { Control } from '../src/control/database.ts'
import { feed } from '../src/coordinator/fleet/feed.ts'
import type { Logger } from '../src/log.ts'
import type { Queues } from '../src/queue/queues.ts'
import { startLoop } from './loop.ts'

export interface FeedOptions {
  readonly control: Control
  readonly queues: Queues
  readonly log: Logger
  /** Rest after a look that found nothing. At most 1,000, which is the default. */
  readonly everyMs?: number | undefined
}

/** One look at a time. Returns what ends it. */
export function startFeed({ log, everyMs = 1_000, ...at }: FeedOptions): () => Promise<void> {
  const restMs = Math.min(1_000, everyMs)
  return startLoop(async (signal) => {
    const fed = await feed(at).catch((err: unknown) => {
      if (!signal.aborted) log.warn({ err }, 'could not feed the queue, will look again')
      return 0
    })
    return fed > 0 ? restMs / 4 : restMs
  })
}

/** Runs in a loop, not as a job: looks after the waves of runs, and stops runs that go wrong. */
import type { Control } from '../src/control/database.ts'
import { advanceRuns } from '../src/coordinator/advance-runs.ts'
import type { Logger } from '../src/log.ts'
import type { Queues } from '../src/queue/queues.ts'

export interface WavesOptions {
  readonly control: Control
  readonly queues: Queues
  readonly log: Logger
  /** At most 2,000, which is the default. */
  readonly everyMs?: number | undefined
}

/** One look at a time. Returns what ends it. */
export function startWaves({ control, queues, log, everyMs = 2_000 }: WavesOptions): () => void {
  let timer: NodeJS.Timeout
  let ended = false
  const restMs = Math.min(2_000, everyMs)
  const look = async () => {
    const failed = (error: unknown, run?: string) => {
      if (!ended) log.warn({ err: error, run }, 'could not look after waves, will look again')
    }
    await advanceRuns({ control, queues }, { everyMs: restMs, onError: failed }).catch(failed)
    if (!ended) timer = setTimeout(look, restMs)
  }
  void look()
  return () => {
    ended = true
    clearTimeout(timer)
  }
}

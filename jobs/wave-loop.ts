/** Runs in a loop, not as a job: looks after the waves of runs, and stops runs that go wrong. */
import type { Control } from '../src/control/database.ts'
import { advanceRuns } from '../src/coordinator/advance-runs.ts'
import type { KnownPlan } from '../src/coordinator/fleet/gate-check.ts'
import type { Logger } from '../src/log.ts'
import type { Queues } from '../src/queue/queues.ts'
import { startLoop } from './loop.ts'

export interface WavesOptions {
  readonly control: Control
  readonly queues: Queues
  /** Their waves may have checks of their own. */
  readonly plans: readonly KnownPlan[]
  readonly log: Logger
  /** At most 2,000, which is the default. */
  readonly everyMs?: number | undefined
}

/** One look at a time. Returns what ends it. */
export function startWaves({ log, everyMs = 2_000, ...at }: WavesOptions): () => Promise<void> {
  const restMs = Math.min(2_000, everyMs)
  return startLoop(async (signal) => {
    const failed = (error: unknown, run?: string) => {
      if (!signal.aborted)
        log.warn({ err: error, run }, 'could not look after waves, will look again')
    }
    await advanceRuns(at, { everyMs: restMs, onError: failed }).catch(failed)
    return restMs
  })
}

/**
 * Runs in a loop, not as a job: delivers webhooks where this worker knows their receiver. Forgets
 * old ones in any case: they were written for a receiver that is gone, perhaps.
 */
import type { Control } from '../src/control/database.ts'
import { forgetWebhooks, writeWebhooks } from '../src/control/webhooks.ts'
import { deliverWebhooks } from '../src/coordinator/webhooks/deliver.ts'
import type { Receiver } from '../src/coordinator/webhooks/receiver.ts'
import type { Logger } from '../src/log.ts'
import { startLoop } from './loop.ts'

export interface WebhooksOptions {
  readonly control: Control
  readonly receiver: Receiver | null
  readonly log: Logger
  /** Default 2,000. */
  readonly everyMs?: number | undefined
}

const forgetEveryMs = 30 * 60_000

/** Returns what ends it, once no request is under way. */
export function startWebhooks(options: WebhooksOptions): () => Promise<void> {
  const { control, receiver, log, everyMs = 2_000 } = options
  let [isWriting, forgetAt] = [false, performance.now()]
  const onFailure = (
    { type, runId, attempts }: { type: string; runId: string; attempts: number },
    error: string,
  ) =>
    log.warn({ type, run: runId, attempts, error }, 'a webhook was not delivered, will try again')
  const tend = async (signal: AbortSignal) => {
    if (performance.now() >= forgetAt) {
      forgetAt = performance.now() + forgetEveryMs
      await forgetWebhooks(control)
    }
    if (!receiver) return
    if (!isWriting) await writeWebhooks(control)
    isWriting = true
    await deliverWebhooks(control, receiver, {
      signal,
      waitMs: 2.5 * everyMs,
      onFailure,
    })
  }
  const restMs = receiver ? Math.min(2_000, everyMs) : forgetEveryMs
  return startLoop(async (signal) => {
    await tend(signal).catch((error: unknown) => {
      if (!signal.aborted)
        log.warn({ err: error }, 'could not look after webhooks, will look again')
    })
    return restMs
  })
}

/**
 * Delivers the outbox's messages. A message of a run is sent when those before it were delivered or
 * given up. It may arrive twice, under the same idempotency key: a worker may die between the
 * receiver's answer and the commit that remembers it.
 */
import type { Control } from '../../control/database.ts'
import {
  claimWebhooks,
  endWebhook,
  lookForEnds,
  postponeWebhook,
  type WebhookMessage,
} from '../../control/webhooks.ts'
import { messageOf } from '../../errors.ts'
import { bodyOf, headersOf, type Receiver } from './receiver.ts'

/** Messages sent at once, each of another run. */
const atOnce = 10
const answerMs = 10_000
const waitMinMs = 5_000
const waitMaxMs = 15 * 60_000

/** null: it was delivered. Else why not. */
export async function post(
  { url, key }: Receiver,
  { id, body }: { id: string; body: string },
  signal?: AbortSignal,
): Promise<string | null> {
  const timeout = AbortSignal.timeout(answerMs)
  try {
    const answer = await fetch(url, {
      method: 'POST',
      headers: headersOf({ id, body, at: Math.floor(Date.now() / 1000) }, key),
      body,
      // Another address was not configured, and would get what is signed.
      redirect: 'manual',
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    })
    await answer.body?.cancel()
    if (answer.ok) return null
    const moved = answer.status >= 300 && answer.status < 400 ? '; redirects are not followed' : ''
    return `the receiver answered ${answer.status}${moved}`
  } catch (error) {
    if (timeout.aborted) return `the receiver did not answer within ${answerMs / 1000} s`
    const cause = error instanceof Error && error.cause ? error.cause : error
    return `the receiver could not be reached: ${messageOf(cause)}`
  }
}

export interface DeliverOptions {
  readonly signal: AbortSignal
  /** The first wait after a failure, in ms; each further one is twice as long. Default 5,000. */
  readonly waitMs?: number | undefined
  readonly onFailure: (message: WebhookMessage, error: string) => void
}

/** One look: sends what is due, until nothing is. */
export async function deliverWebhooks(
  control: Control,
  receiver: Receiver,
  options: DeliverOptions,
): Promise<void> {
  await lookForEnds(control)
  while (!options.signal.aborted) {
    const messages = await claimWebhooks(control, atOnce)
    if (messages.length === 0) return
    await Promise.all(messages.map((message) => deliver({ control, receiver }, message, options)))
  }
}

async function deliver(
  { control, receiver }: { control: Control; receiver: Receiver },
  message: WebhookMessage,
  { signal, waitMs = waitMinMs, onFailure }: DeliverOptions,
): Promise<void> {
  const { id, key, attempts, giveUpAt } = message
  const error = await post(receiver, { id: key, body: bodyOf(message) }, signal)
  if (error === null) return await endWebhook(control, id, { outcome: 'delivered' })
  // The worker stops: another one need not wait for the claim to lapse.
  if (signal.aborted)
    return await postponeWebhook(control, id, { waitMs: 0, error: 'the worker stopped' })
  onFailure(message, error)
  if (Date.now() > giveUpAt.getTime()) {
    return await endWebhook(control, id, { outcome: 'given up', error })
  }
  const wait = Math.min(waitMaxMs, waitMs * 2 ** Math.min(attempts - 1, 20))
  await postponeWebhook(control, id, { waitMs: wait, error })
}

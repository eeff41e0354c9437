/**
 * The receiver of webhooks: where it is, and what a request to it looks like. Signed as the
 * Standard Webhooks specification defines, so receivers can verify with its libraries.
 */
import { createHmac } from 'node:crypto'
import type { WebhookMessage } from '../../control/webhooks.ts'
import { RehomeError, redact } from '../../errors.ts'

export interface Receiver {
  readonly url: URL
  readonly key: Buffer
}

/** A secret of fewer bytes can be guessed from one signed request. */
const keyBytesMin = 24

/** null: there is none. Throws SETTING_MISSING without a secret, USAGE for a bad URL or secret. */
export function receiverOf(environment: NodeJS.ProcessEnv): Receiver | null {
  const { REHOME_WEBHOOK_URL: address, REHOME_WEBHOOK_SECRET: secret } = environment
  if (!address) return null
  const url = URL.canParse(address) ? new URL(address) : null
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw new RehomeError('USAGE', 'REHOME_WEBHOOK_URL is no address of http or https')
  }
  if (url.username || url.password) {
    throw new RehomeError(
      'USAGE',
      'REHOME_WEBHOOK_URL has a password in it: the signature proves us',
    )
  }
  if (!secret) {
    throw new RehomeError('SETTING_MISSING', 'REHOME_WEBHOOK_SECRET is not set: it signs webhooks')
  }
  return { url, key: keyOf(secret) }
}

/** `whsec_` and base64, as the specification writes it; else the bytes of the text. */
function keyOf(secret: string): Buffer {
  const encoded = /^whsec_(.+)$/.exec(secret)?.[1]
  const key = encoded === undefined ? Buffer.from(secret) : Buffer.from(encoded, 'base64')
  if (key.length >= keyBytesMin) return key
  const make = '`openssl rand -hex 24` makes one'
  throw new RehomeError(
    'USAGE',
    `REHOME_WEBHOOK_SECRET has ${key.length} bytes, the minimum is ${keyBytesMin}: ${make}`,
  )
}

/** The address for people: without the query, in which a receiver may keep a secret. */
export function placeOfReceiver({ url }: Receiver): string {
  return `${url.origin}${url.pathname}`
}

export function bodyOf(message: WebhookMessage): string {
  const { type, at, data, runId, planName, source, target, createdBy } = message
  const run = { id: runId, plan: planName, source, target, createdBy }
  const body = { type, timestamp: at.toISOString(), sequence: Number(message.id), run, data }
  return JSON.stringify(body, (_, value: unknown) =>
    typeof value === 'string' ? redact(value) : value,
  )
}

export interface Signed {
  readonly id: string
  readonly body: string
  /** In seconds since 1970. */
  readonly at: number
}

export function headersOf({ id, body, at }: Signed, key: Buffer): Record<string, string> {
  const signature = createHmac('sha256', key).update(`${id}.${at}.${body}`).digest('base64')
  return {
    'content-type': 'application/json',
    'user-agent': 'rehome',
    'idempotency-key': id,
    'webhook-id': id,
    'webhook-timestamp': String(at),
    'webhook-signature': `v1,${signature}`,
  }
}

/**
 * Requests to one end: kept-alive connections, no more than so many at once and so many a second,
 * each within its time, repeated only where that is safe. It knows nothing of the protocol.
 *
 * Redirects are not followed: the secret would go to the address that an answer names.
 */
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { promisify } from 'node:util'
import { gunzip, gzip } from 'node:zlib'
import { beginCall, callers } from '../../calls.ts'
import { now, sleep } from '../../clock.ts'
import { messageOf, RehomeError } from '../../errors.ts'
import { hashOf, headersFor, type Secret } from './auth.ts'
import { errorOf } from './problem.ts'
import { urlBelow } from './url-below.ts'

export interface TransportOptions {
  /** The end's name in errors: `the source (api.example:443)`. */
  readonly where: string
  readonly end: 'source' | 'target'
  /** Told on the channel `rehome:call`. */
  readonly name: string
  readonly baseUrl: URL
  /** null: the caller sets its own headers. */
  readonly secret: Secret | null
  /** Bodies of requests go packed. */
  readonly packs: boolean
  readonly concurrency: number
  /** 0: as many as there are. */
  readonly requestsPerS: number
  readonly timeoutMs: number
  /** The limit of an answer, unpacked. */
  readonly maxBytes: number
  readonly tls: { readonly ca?: string; readonly cert?: string; readonly key?: string }
  /** true: the request ends with the attempt. */
  readonly ends: boolean
}

export interface Asked {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Below the base URL. */
  readonly path: string
  readonly body?: string
  readonly contentType?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Twice is as good as once. */
  readonly repeatable: boolean
  /** Instead of the transport's. */
  readonly timeoutMs?: number
  /** The caller repeats the request itself, and wants a failure at once. */
  readonly once?: true
}

export interface Transport {
  /**
   * The answer's body. Throws UNREACHABLE, ACCESS_DENIED, PROTOCOL_BROKEN or the end's own error.
   */
  ask(asked: Asked): Promise<string>
  /** The end has asked for fewer requests, within the last second or for now. null: it has not. */
  refusal(): string | null
  close(): void
}

const gzipped = promisify(gzip)
const gunzipped = promisify(gunzip)
const triesMax = 5
const waitMsMax = 10_000
const packedBytesMin = 1_024
/** So long after its wait a refusal is still shown. */
const shownMs = 1_000

export function createTransport(options: TransportOptions): Transport {
  const secure = options.baseUrl.protocol === 'https:'
  const settings = { keepAlive: true, maxSockets: options.concurrency, scheduling: 'lifo' } as const
  const agent = secure
    ? new HttpsAgent({ ...settings, ...options.tls })
    : new HttpAgent({ ...settings })
  const pace = createPace(options)
  let refused = { by: '', until: 0 }
  return {
    refusal: () => (now() < refused.until ? refused.by : null),
    close: () => agent.destroy(),
    async ask(request) {
      const body = request.body === undefined ? null : await packed(request.body, options)
      for (let tries = 1; ; tries += 1) {
        await pace()
        const outcome = await send({ options, agent, asked: request, body })
        if ('text' in outcome) return outcome.text
        if (outcome.refusal) refused = outcome.refusal
        const again = outcome.untouched || (request.repeatable && outcome.passing)
        if (!again || request.once || tries >= triesMax) throw outcome.error
        const waitMs = outcome.waitMs ?? Math.random() * 100 * 2 ** tries
        if (waitMs > waitMsMax) throw outcome.error
        await sleep(waitMs, endedWith(options))
      }
    },
  }
}

type Outcome =
  | { readonly text: string }
  | {
      readonly error: RehomeError
      /** The end has done nothing. */
      readonly untouched: boolean
      /** It may be otherwise next time. */
      readonly passing: boolean
      /** The `Retry-After` of the answer. */
      readonly waitMs: number | null
      /** The answer asks for fewer requests, until then by our monotonic clock. */
      readonly refusal?: { readonly by: string; readonly until: number } | undefined
    }

interface Sending {
  readonly options: TransportOptions
  readonly agent: HttpAgent | HttpsAgent
  readonly asked: Asked
  readonly body: { readonly bytes: Buffer; readonly encoding: 'gzip' | null } | null
}

async function send(sending: Sending): Promise<Outcome> {
  const { options, asked } = sending
  const { where, name } = options
  const timeoutMs = asked.timeoutMs ?? options.timeoutMs
  const timeout = AbortSignal.timeout(timeoutMs)
  const text = `${asked.method} ${asked.path}`
  const answered = beginCall({ to: name, text })
  try {
    const response = await exchange(sending, timeout)
    answered()
    const { statusCode: status = 0, headers } = response.message
    if (status >= 200 && status < 300) return { text: response.text }
    const error = errorOf(status, response.text, where)
    const untouched = status === 429 || (status === 503 && headers['retry-after'] !== undefined)
    const passing = untouched || [408, 500, 502, 503, 504].includes(status)
    const waitMs = retryAfterMs(headers['retry-after'])
    const refusal = { by: `answers ${status}`, until: now() + (waitMs ?? 0) + shownMs }
    return { error, untouched, passing, waitMs, refusal: untouched ? refusal : undefined }
  } catch (error) {
    answered(error)
    endedWith(options)?.throwIfAborted()
    if (error instanceof RehomeError) {
      return { error, untouched: false, passing: error.retryable, waitMs: null }
    }
    const refused = error instanceof Error && 'code' in error && error.code === 'ECONNREFUSED'
    const what = timeout.aborted
      ? `has not answered within ${timeoutMs} ms`
      : `is out of reach: ${messageOf(error)}`
    const unreachable = new RehomeError('UNREACHABLE', `${where} ${what}`, { cause: error })
    return { error: unreachable, untouched: refused, passing: true, waitMs: null }
  }
}

/** The attempt's signal, where its requests end with it. */
function endedWith({ ends }: TransportOptions): AbortSignal | undefined {
  return ends ? callers.getStore()?.signal : undefined
}

async function exchange(
  sending: Sending,
  timeout: AbortSignal,
): Promise<{ readonly message: IncomingMessage; readonly text: string }> {
  const { options, agent, asked, body } = sending
  const url = urlBelow(options.baseUrl, asked.path, options.where)
  const bytes = body?.bytes ?? Buffer.alloc(0)
  const target = `${url.pathname}${url.search}`
  const signed = { method: asked.method, host: url.host, target, bodyHash: hashOf(bytes) }
  const attempt = endedWith(options)
  const request = url.protocol === 'https:' ? httpsRequest : httpRequest
  const sent = request(url, {
    agent,
    method: asked.method,
    signal: attempt ? AbortSignal.any([attempt, timeout]) : timeout,
    headers: {
      'rehome-end': options.end,
      'rehome-timeout-ms': String(asked.timeoutMs ?? options.timeoutMs),
      accept: 'application/json, application/x-ndjson, application/problem+json',
      'accept-encoding': 'gzip',
      ...(options.secret && headersFor(options.secret, signed)),
      ...(body && { 'content-type': asked.contentType ?? 'application/json' }),
      ...(body?.encoding && { 'content-encoding': body.encoding }),
      'content-length': String(bytes.length),
      ...asked.headers,
    },
  })
  sent.end(bytes)
  const message = await new Promise<IncomingMessage>((resolve, reject) => {
    sent.once('response', resolve)
    sent.once('error', reject)
  })
  return { message, text: await textOf(message, options) }
}

async function textOf(
  message: IncomingMessage,
  { maxBytes, where }: TransportOptions,
): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  const tooLarge = () =>
    new RehomeError('PROTOCOL_BROKEN', `${where} answered with more than ${maxBytes} bytes`)
  for await (const chunk of message) {
    size += chunk.length
    if (size > maxBytes) throw tooLarge()
    chunks.push(chunk)
  }
  const bytes = Buffer.concat(chunks)
  if (message.headers['content-encoding'] !== 'gzip') return bytes.toString()
  try {
    return (await gunzipped(bytes, { maxOutputLength: maxBytes })).toString()
  } catch (error) {
    if (error instanceof RangeError) throw tooLarge()
    const short = error instanceof Error && 'code' in error && error.code === 'Z_BUF_ERROR'
    const what = short ? 'sent an incomplete answer' : 'answered with invalid gzip'
    const details = { retryable: short, cause: error }
    throw new RehomeError('PROTOCOL_BROKEN', `${where} ${what}`, details)
  }
}

async function packed(
  body: string,
  { packs }: TransportOptions,
): Promise<{ bytes: Buffer; encoding: 'gzip' | null }> {
  const bytes = Buffer.from(body)
  if (!packs || bytes.length < packedBytesMin) return { bytes, encoding: null }
  return { bytes: await gzipped(bytes, { level: 1 }), encoding: 'gzip' }
}

/** Seconds, or a date. null: there is none. */
function retryAfterMs(header: string | undefined): number | null {
  if (header === undefined) return null
  if (/^\d+$/.test(header)) return Number(header) * 1000
  const at = Date.parse(header)
  return Number.isNaN(at) ? null : Math.max(0, at - Date.now())
}

/** Waits for one's turn, so that no more begin in a second than that. */
function createPace(options: TransportOptions): () => Promise<void> {
  const { requestsPerS: perS } = options
  let next = 0
  return async () => {
    if (perS <= 0) return
    const at = Math.max(now(), next)
    next = at + 1000 / perS
    if (at > now()) await sleep(at - now(), endedWith(options))
  }
}

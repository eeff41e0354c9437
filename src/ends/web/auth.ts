/**
 * Authenticates requests: a bearer token, or a signature over the request (HMAC-SHA256), so that
 * the secret itself never travels. Both halves of the protocol use it.
 *
 * Rule: whether a request may come in is known from its headers alone, before anything is read of
 * its body; and all that a request means is signed, also where it goes.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto'

export type Secret =
  | { readonly kind: 'bearer'; readonly token: string }
  | { readonly kind: 'hmac'; readonly key: string }

/** Characters that a header can carry as a bearer token (RFC 6750). */
export const bearerChars = 'letters, digits and ._~+/- alone'
export const bearerToken = /^[A-Za-z0-9._~+/-]+=*$/

/** All of a request, but for headers. */
export interface SignedRequest {
  readonly method: string
  /** The value of the `Host` header, with a port that is not the scheme's own. */
  readonly host: string
  /** Path and query as they are sent: `/rehome/v1/rows/read`. */
  readonly target: string
  /** See `hashOf`. */
  readonly bodyHash: string
}

export interface Headers {
  get(name: string): string | null
}

/** The header with the hash of the body as it is sent, packed if it is. */
const hashHeader = 'rehome-content-sha256'

/** A signature is good for so long before and after it was made, in ms. */
const freshMs = 5 * 60_000

/** SHA-256 in lower-case hex. */
export function hashOf(body: Uint8Array): string {
  return createHash('sha256').update(body).digest('hex')
}

export function headersFor(secret: Secret, request: SignedRequest): Record<string, string> {
  if (secret.kind === 'bearer') return { authorization: `Bearer ${secret.token}` }
  const at = String(Date.now())
  const authorization = `Rehome-HMAC ${at}:${signatureOf(secret.key, at, request)}`
  return { authorization, [hashHeader]: request.bodyHash }
}

/** The result of a check: the request has no valid secret, or it may come in. */
export type Shown =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'bearer' }
  /** If its body has this hash. */
  | { readonly kind: 'hmac'; readonly bodyHash: string }

/** Checks a request by its headers alone. */
export function shownBy(
  secrets: readonly Secret[],
  headers: Headers,
  request: Omit<SignedRequest, 'bodyHash'>,
): Shown {
  const header = headers.get('authorization') ?? ''
  const [, token] = /^bearer +(\S+)$/i.exec(header) ?? []
  const [, at = '', signature] = /^rehome-hmac +(\d{1,15}):([0-9a-f]{64})$/i.exec(header) ?? []
  const bodyHash = headers.get(hashHeader) ?? ''
  for (const secret of secrets) {
    if (secret.kind === 'bearer') {
      if (token !== undefined && isSame(token, secret.token)) return { kind: 'bearer' }
    } else if (signature !== undefined && isFresh(at) && /^[0-9a-f]{64}$/.test(bodyHash)) {
      const right = signatureOf(secret.key, at, { ...request, bodyHash })
      if (isSame(signature, right)) return { kind: 'hmac', bodyHash }
    }
  }
  return { kind: 'nothing' }
}

function isFresh(at: string): boolean {
  return Math.abs(Date.now() - Number(at)) <= freshMs
}

/** Over when, what, where and the body: none of it can be exchanged. */
function signatureOf(key: string, at: string, request: SignedRequest): string {
  const { method, host, target, bodyHash } = request
  const lines = [at, method, host.toLowerCase(), target, bodyHash]
  return createHmac('sha256', key).update(lines.join('\n')).digest('hex')
}

/** In the same time, whatever they have in common. */
function isSame(first: string, second: string): boolean {
  const [left, right] = [first, second].map((text) => createHash('sha256').update(text).digest())
  return left !== undefined && right !== undefined && timingSafeEqual(left, right)
}

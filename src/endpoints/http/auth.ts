/**
 * Who asks: a bearer token, or a signature over the request (HMAC-SHA256), so that the secret
 * itself never travels. Both halves of the protocol use it.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto'

export type Secret =
  | { readonly kind: 'bearer'; readonly token: string }
  | { readonly kind: 'hmac'; readonly key: string }

/** What a header can carry as a bearer token (RFC 6750). */
export const bearerChars = 'letters, digits and ._~+/- alone'
export const bearerToken = /^[A-Za-z0-9._~+/-]+=*$/

export interface SignedRequest {
  readonly method: string
  /** Below where the end is mounted: `/v1/rows/read`. */
  readonly path: string
  readonly body: Uint8Array
}

export interface Headers {
  get(name: string): string | null
}

/** A signature is good for so long before and after it was made, in ms. */
const freshMs = 5 * 60_000

export function authorizationFor(secret: Secret, request: SignedRequest): string {
  if (secret.kind === 'bearer') return `Bearer ${secret.token}`
  const at = String(Date.now())
  return `Rehome-HMAC ${at}:${signatureOf(secret.key, at, request)}`
}

export function isAuthorized(
  secrets: readonly Secret[],
  headers: Headers,
  request: SignedRequest,
): boolean {
  const [, scheme = '', given = ''] =
    /^(\S+) +(\S+)$/.exec(headers.get('authorization') ?? '') ?? []
  return secrets.some((secret) => {
    if (secret.kind === 'bearer') {
      return scheme.toLowerCase() === 'bearer' && isSame(given, secret.token)
    }
    const [at = '', signature = ''] = given.split(':')
    if (scheme.toLowerCase() !== 'rehome-hmac' || !/^\d{1,15}$/.test(at)) return false
    if (!isFresh(at)) return false
    return isSame(signature, signatureOf(secret.key, at, request))
  })
}

/**
 * As far as can be told before the body was read: a bearer token is right, or a signature of this
 * hour is there.
 */
export function mayBeAuthorized(secrets: readonly Secret[], headers: Headers): boolean {
  const none = { method: '', path: '', body: new Uint8Array() }
  const [, at = ''] =
    /^rehome-hmac +(\d{1,15}):\S+$/i.exec(headers.get('authorization') ?? '') ?? []
  if (at !== '' && secrets.some(({ kind }) => kind === 'hmac')) return isFresh(at)
  return isAuthorized(
    secrets.filter(({ kind }) => kind === 'bearer'),
    headers,
    none,
  )
}

function isFresh(at: string): boolean {
  return Math.abs(Date.now() - Number(at)) <= freshMs
}

/** Over when, what and the body: none of it can be exchanged. */
function signatureOf(key: string, at: string, { method, path, body }: SignedRequest): string {
  const hash = createHash('sha256').update(body).digest('hex')
  return createHmac('sha256', key).update([at, method, path, hash].join('\n')).digest('hex')
}

/** In the same time, whatever they have in common. */
function isSame(given: string, wanted: string): boolean {
  const [left, right] = [given, wanted].map((text) => createHash('sha256').update(text).digest())
  return left !== undefined && right !== undefined && timingSafeEqual(left, right)
}

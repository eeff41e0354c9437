/**
 * Authenticates a caller: an operator, an approver, a viewer, or a stranger.
 *
 * Without a token, every caller at a loopback address is an operator. With tokens, a caller shows
 * one as a bearer, or a cookie that was given for one. A trusted proxy names its callers
 * (proxy.ts). It does not judge what a caller may do (gate.ts). Invariant: a board that other
 * machines can reach has a token, or a trusted proxy.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { RehomeError } from '../errors.ts'
import { createProxy, type Identity, type ProxyOptions, type TrustedProxy } from './proxy.ts'
import { createSessions, type Role } from './sessions.ts'

export type { Role }

export interface Caller {
  readonly role: Role
  readonly by: 'loopback' | 'bearer' | 'cookie' | 'proxy'
  /** The person's name, as a proxy has proved it. */
  readonly user?: string
}

export interface AccessOptions {
  readonly host: string
  readonly token?: string | undefined
  readonly approverToken?: string | undefined
  readonly viewerToken?: string | undefined
  readonly proxy?: ProxyOptions | undefined
  /** Names by which browsers reach it, besides addresses and this machine's own names. */
  readonly allowedHosts?: readonly string[] | undefined
}

export interface Access {
  /** No token is asked for: everybody who gets through to it is an operator. */
  readonly open: boolean
  /** Somebody may sign in with a token. */
  readonly hasTokens: boolean
  /** The person that a trusted proxy names. */
  identify(request: Pick<IncomingMessage, 'headersDistinct' | 'socket'>): Identity
  callerOf(headers: IncomingHttpHeaders, port: number | undefined): Caller | null
  /** The cookie that stands for a right token, else null. `port` is the board's own. */
  signIn(token: string, to: { port: number | undefined; https: boolean }): SignedIn | null
}

export interface SignedIn {
  readonly role: Role
  readonly cookie: string
}

const bytesMin = 16

/** Tokens that have stood in examples. */
const published = new Set(['rehome-on-this-machine'])

/** Throws SETTING_MISSING where a token is missing, USAGE where one is too weak. */
export function createAccess(options: AccessOptions): Access {
  const { host, token, approverToken, viewerToken } = options
  refuseBadTokens(options)
  const proxy = options.proxy && createProxy(options.proxy)
  if (!token && !proxy) {
    if (isLoopback(host)) return openAccess
    const message = `the board at ${host} can be reached by others, so it needs a token; set one`
    throw new RehomeError('SETTING_MISSING', `${message}, or bind it to 127.0.0.1`)
  }
  const named = { operator: token, approver: approverToken, viewer: viewerToken } as const
  const tokens = (['operator', 'approver', 'viewer'] as const).flatMap((role) => {
    const secret = named[role]
    return secret ? [{ role, digest: digestOf(secret) }] : []
  })
  return tokenAccess({ proxy, hasTokens: tokens.length > 0 }, (offered) => {
    const digest = digestOf(offered)
    // Every token is compared, so that the time does not tell which one was near.
    const equal = tokens.filter((candidate) => timingSafeEqual(candidate.digest, digest))
    return equal[0]?.role ?? null
  })
}

const openAccess: Access = {
  open: true,
  hasTokens: false,
  identify: () => null,
  callerOf: () => ({ role: 'operator', by: 'loopback' }),
  signIn: () => null,
}

function tokenAccess(
  { proxy, hasTokens }: { readonly proxy: TrustedProxy | undefined; readonly hasTokens: boolean },
  roleOf: (token: string) => Role | null,
): Access {
  const sessions = createSessions()
  return {
    open: false,
    hasTokens,
    identify: (request) => proxy?.identify(request) ?? null,
    callerOf(headers, port) {
      const bearer = bearerOf(headers)
      const role = bearer === null ? sessions.read(headers.cookie, port) : roleOf(bearer)
      return role && { role, by: bearer === null ? 'cookie' : 'bearer' }
    },
    signIn(token, to) {
      const role = roleOf(token)
      return role && { role, cookie: sessions.issue(role, to) }
    },
  }
}

function refuseBadTokens({ token, approverToken, viewerToken }: AccessOptions): void {
  const others = Object.entries({ approver: approverToken, viewer: viewerToken })
  for (const [role, secret] of others) {
    if (!secret) continue
    if (!token) {
      throw new RehomeError(
        'SETTING_MISSING',
        `the ${role} token needs an operator token beside it`,
      )
    }
    const same =
      secret === token ? 'operator' : others.find(([r, s]) => r !== role && s === secret)?.[0]
    if (same === undefined) continue
    throw new RehomeError('USAGE', `the ${role} and the ${same} token are the same`)
  }
  const secrets = [token, approverToken, viewerToken]
  if (secrets.some((secret) => secret !== undefined && published.has(secret))) {
    const message = 'this token of the board stands in a published file, so everybody knows it'
    throw new RehomeError('USAGE', `${message}: make one with \`openssl rand -hex 24\``)
  }
  for (const secret of secrets) {
    if (!secret || Buffer.byteLength(secret) >= bytesMin) continue
    const message = `a token of the board has at least ${bytesMin} characters`
    throw new RehomeError('USAGE', `${message}: make one with \`openssl rand -hex 24\``)
  }
}

/** Names and addresses by which only this machine reaches itself. */
export function isLoopback(host: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/i.test(host)
}

/** Another scheme than Bearer is a proxy's own affair. */
function bearerOf({ authorization }: IncomingHttpHeaders): string | null {
  return /^Bearer +(.*)$/i.exec(authorization ?? '')?.[1] ?? null
}

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}

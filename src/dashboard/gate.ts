/**
 * Every request passes here first. Without a caller there is no answer but the sign-in page; a
 * viewer changes nothing, and an approver only what is for approvers; and what changes something
 * comes from our own pages, or shows a bearer token.
 *
 * Invariant: a request that is not a read has an operator behind it when it reaches a route, or an
 * approver where the route demands it.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Logger } from '../log.ts'
import type { Access, Caller } from './access.ts'
import { assetRoute } from './assets.ts'
import { errorPage, securityHeaders } from './page.ts'
import {
  isForeignClick,
  localPath,
  mayBeForeign,
  namesBoard,
  namesThisMachine,
  tokenOf,
} from './same-origin.ts'
import { onwardPage, refuseWrongTokens, signIn, signInPage, signInPath } from './sign-in.ts'
import type { WrongTokens } from './wrong-tokens.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Approvers may change what this route changes. Default: only operators. */
    forApprovers?: boolean
  }
  interface FastifyRequest {
    /** null only where none is needed: the sign-in page and the health check. */
    caller: Caller | null
  }
}

export const healthPath = '/healthz'
export const readyPath = '/readyz'

/** They have nothing of tenants, and the sign-in page has their scripts. */
const openPaths: readonly string[] = [healthPath, readyPath, assetRoute]

interface Gate {
  readonly access: Access
  /** Names by which browsers may reach it. */
  readonly allowedHosts: readonly string[]
  readonly wrongTokens: WrongTokens
  readonly log: Logger
}

export function installGate(app: FastifyInstance, gate: Gate): void {
  app.decorateRequest('caller', null)
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(securityHeaders)
    if (openPaths.includes(request.routeOptions.url ?? '')) return
    return await judge(gate, request, reply)
  })
  app.addHook('onResponse', async (request, reply) => {
    if (isRead(request)) return
    const { method, caller, params } = request
    const { role = null, by = null, user } = caller ?? {}
    const who = { role, by, ...(user !== undefined && { user }), from: request.ip }
    const what = { method, route: request.routeOptions.url ?? null, params }
    gate.log.info({ ...who, ...what, status: reply.statusCode }, 'asked of the board')
  })
}

/** undefined lets the request through. */
async function judge(
  gate: Gate,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply | undefined> {
  const { access, log, wrongTokens } = gate
  const { headers } = request
  if (access.open && !namesThisMachine(headers.host)) {
    return refuse(reply, 'this board serves this machine only: open it as http://127.0.0.1')
  }
  const identity = access.identify(request.raw)
  if (identity && 'refusal' in identity) {
    log.warn({ from: request.ip, why: identity.refusal }, 'refused: named by no trusted proxy')
    return refuse(reply, identity.refusal)
  }
  const caller = identity ? { ...identity, by: 'proxy' as const } : callerOf(gate, request)
  if (caller === 'waits') return refuseMore(gate, request, reply)
  // A request with a bearer token does not come from a page that a browser was led to.
  if (!access.open && caller?.by !== 'bearer' && !namesBoard(headers.host, gate.allowedHosts)) {
    return refuse(reply, 'this board is not known by this name: list it in REHOME_BOARD_HOSTS')
  }
  const mayShow = isRead(request) && access.hasTokens && !identity
  const token = mayShow ? tokenOf(request.url) : null
  if (token !== null) {
    const offered = { access, wrongTokens, log, token, to: localPath(request.url) }
    return signIn(offered, request, reply)
  }
  request.caller = caller
  const signingIn = request.routeOptions.url === signInPath
  if (!request.caller && !signingIn) return askToSignIn(access, request, reply)
  if (isRead(request)) return undefined
  const refusal = signingIn ? null : refusalFor(request)
  if (refusal !== null) return refuse(reply, refusal)
  if (mayBeForeign(headers, request.caller?.by ?? 'stranger')) {
    log.warn({ from: request.ip, origin: headers.origin }, 'refused: sent by another site')
    const hint = 'a proxy in front has to pass the Host header on'
    return refuse(reply, `this was not sent by a page of this board; ${hint}`)
  }
  return undefined
}

/** null: the caller may change what this route changes. */
function refusalFor({ caller, routeOptions }: FastifyRequest): string | null {
  if (caller?.role === 'operator') return null
  if (caller?.role !== 'approver') return 'viewers change nothing: sign in with the operator token'
  if (routeOptions.config.forApprovers === true) return null
  return 'approvers approve and complete, and nothing else: sign in with the operator token'
}

/** A wrong bearer counts; where there were too many, no other is looked at for a while. */
function callerOf({ access, wrongTokens }: Gate, request: FastifyRequest): Caller | null | 'waits' {
  const { headers, ip, socket } = request
  const shows = /^bearer /i.test(headers.authorization ?? '') && !access.open
  if (shows && wrongTokens.waitS(ip) > 0) return 'waits'
  const caller = access.callerOf(headers, socket.localPort)
  if (shows && !caller) wrongTokens.count(ip)
  return caller
}

function refuseMore({ wrongTokens }: Gate, { ip }: FastifyRequest, reply: FastifyReply) {
  return refuseWrongTokens(reply, wrongTokens.waitS(ip))
}

function isRead({ method }: FastifyRequest): boolean {
  return method === 'GET' || method === 'HEAD'
}

/** In the form that Bull Board's pages show as it is: what, and why. */
function refuse(reply: FastifyReply, message: string): FastifyReply {
  return reply.code(403).send({ error: 'Not allowed', message })
}

function askToSignIn(
  { hasTokens }: Access,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const { headers } = request
  const isForPeople = isRead(request) && /\btext\/html\b/.test(headers.accept ?? '')
  const [what, how] = ['Signed out', hasTokens ? byToken : byProxy]
  reply.code(401).header('www-authenticate', 'Bearer')
  if (!isForPeople) return reply.send({ error: what, message: how })
  reply.type('text/html')
  if (!hasTokens) return reply.send(errorPage(what, how))
  const to = localPath(request.url)
  return reply.send(isForeignClick(headers) ? onwardPage(to) : signInPage({ to }))
}

const byToken = 'open the board again with its token'
const byProxy = 'the proxy in front of this board signs people in: open the board through it'

/**
 * Every request passes here first. Without a caller there is no answer but the sign-in page; a
 * viewer changes nothing; and what changes something comes from our own pages, or shows a bearer
 * token.
 *
 * Invariant: a request that is not a read has an operator behind it when it reaches a route.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Logger } from '../log.ts'
import type { Access, Caller } from './access.ts'
import { assetRoute } from './assets.ts'
import { securityHeaders } from './page.ts'
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
  interface FastifyRequest {
    /** null only where none is needed: the sign-in page and the health check. */
    caller: Caller | null
  }
}

export const healthPath = '/healthz'
export const readyPath = '/readyz'

/** They say nothing of tenants, and the sign-in page has their scripts. */
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
    const who = { role: caller?.role ?? null, by: caller?.by ?? null, from: request.ip }
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
  const caller = callerOf(gate, request)
  if (caller === 'waits') return refuseMore(gate, request, reply)
  // A request with a bearer token does not come from a page that a browser was led to.
  if (!access.open && caller?.by !== 'bearer' && !namesBoard(headers.host, gate.allowedHosts)) {
    return refuse(reply, 'this board is not known by this name: list it in REHOME_BOARD_HOSTS')
  }
  const token = isRead(request) && !access.open ? tokenOf(request.url) : null
  if (token !== null) {
    const offered = { access, wrongTokens, log, token, to: localPath(request.url) }
    return signIn(offered, request, reply)
  }
  request.caller = caller
  const signingIn = request.routeOptions.url === signInPath
  if (!request.caller && !signingIn) return askForToken(request, reply)
  if (isRead(request)) return undefined
  if (request.caller?.role === 'viewer' && !signingIn) {
    return refuse(reply, 'viewers change nothing: sign in with the operator token')
  }
  if (mayBeForeign(headers, request.caller?.by ?? 'stranger')) {
    log.warn({ from: request.ip, origin: headers.origin }, 'refused: sent by another site')
    const hint = 'a proxy in front has to pass the Host header on'
    return refuse(reply, `this was not sent by a page of this board; ${hint}`)
  }
  return undefined
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

function askForToken(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  reply.code(401).header('www-authenticate', 'Bearer')
  const { headers } = request
  if (!isRead(request) || !/\btext\/html\b/.test(headers.accept ?? '')) {
    return reply.send({ error: 'Signed out', message: 'open the board again with its token' })
  }
  const to = localPath(request.url)
  const text = isForeignClick(headers) ? onwardPage(to) : signInPage({ to })
  return reply.type('text/html').send(text)
}

/**
 * The dashboard: pages of runs and tenants, and Bull Board over our queues.
 *
 * It moves nothing and decides nothing: what is asked of it goes through the product, and what it
 * shows comes from the product and the queue. It may be stopped and started at any time.
 */
import type { AddressInfo } from 'node:net'
import fastify, { type FastifyInstance, type FastifyRequest } from 'fastify'
import { messageOf, RehomeError } from '../errors.ts'
import type { Logger } from '../log.ts'
import { createAccess } from './access.ts'
import { actionRoutes } from './actions/action-routes.ts'
import { answerTo } from './answers.ts'
import { assetRoutes } from './assets.ts'
import { registerBullBoard } from './bull-board.ts'
import { chosenRoutes } from './chosen/chosen-routes.ts'
import { healthPath, installGate, readyPath } from './gate.ts'
import type { BoardLibrary, Inspect } from './library.ts'
import { errorPage } from './page.ts'
import type { ProxyOptions } from './proxy.ts'
import { runRoutes } from './runs/run-routes.ts'
import { signInRoutes } from './sign-in.ts'
import { programRoutes } from './steering/program-routes.ts'
import { steerRoutes } from './steering/steer-routes.ts'
import { tenantRoutes } from './tenants/tenant-routes.ts'
import { createWrongTokens } from './wrong-tokens.ts'

export type { BoardLibrary } from './library.ts'

export interface BoardOptions {
  /** Stays open when the board is closed. */
  readonly rehome: BoardLibrary
  /** Default 127.0.0.1: only this machine. Any other address needs a token. */
  readonly host?: string | undefined
  /** Default 0: any that is free. */
  readonly port?: number | undefined
  /** The operators' token. Without one, everybody on this machine is an operator. */
  readonly token?: string | undefined
  /** The approvers' token: they may also approve waves and complete held moves. */
  readonly approverToken?: string | undefined
  /** The viewers' token: they may look at everything and change nothing. */
  readonly viewerToken?: string | undefined
  /** A proxy in front that signs people in and names them. */
  readonly proxy?: ProxyOptions | undefined
  /**
   * Names by which browsers reach it, where that is not an address or a name of this machine, such
   * as the name of a proxy in front of it.
   */
  readonly allowedHosts?: readonly string[] | undefined
  /** Absent: pages show keys that differ, and no rows. */
  readonly inspect?: Inspect | undefined
  /** A request that has not arrived as a whole within this time is cut. Default 30,000. */
  readonly requestMs?: number | undefined
  readonly log: Logger
}

export interface Board extends AsyncDisposable {
  /** Without a slash at the end, and without a token. */
  readonly url: string
  /** Ends what is under way, then resolves. Idempotent. */
  close(): Promise<void>
}

/**
 * Returns when it answers. Throws SETTING_MISSING where others could reach it and there is no
 * token and no trusted proxy, USAGE where a token is weak, a proxy could be anybody, or the address
 * cannot be listened on.
 */
export async function startBoard(options: BoardOptions): Promise<Board> {
  const { rehome, host = '127.0.0.1', port = 0, allowedHosts, log } = options
  const { requestMs = 30_000 } = options
  const { token, approverToken, viewerToken, proxy } = options
  const access = createAccess({ host, token, approverToken, viewerToken, proxy })
  const app = fastify({
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: 4096 },
    // A client that sends its request slowly does not hold its connection for longer.
    requestTimeout: requestMs,
    http: { headersTimeout: requestMs / 2, connectionsCheckingInterval: requestMs / 6 },
  })
  const wrongTokens = createWrongTokens()
  readForms(app)
  // A board that is bound to a name is known by it.
  installGate(app, { access, allowedHosts: [host, ...(allowedHosts ?? [])], wrongTokens, log })
  answerErrors(app, log)
  probeRoutes(app, rehome)
  signInRoutes(app, { access, wrongTokens, log })
  assetRoutes(app)
  runRoutes(app, rehome, log)
  tenantRoutes(app, rehome, options.inspect)
  actionRoutes(app, rehome)
  steerRoutes(app, rehome)
  programRoutes(app, rehome)
  chosenRoutes(app, rehome)
  app.register((scope) =>
    registerBullBoard(scope, { library: rehome, log, tokens: access.hasTokens }),
  )
  await listen(app, { host, port })
  const url = urlOf(host, app.server.address())
  log.info({ at: url, tokens: !access.open }, 'the board answers')
  const close = async () => await app.close()
  return { url, close, [Symbol.asyncDispose]: close }
}

/** Probes need no token; metrics do. */
function probeRoutes(app: FastifyInstance, library: BoardLibrary): void {
  app.get(healthPath, () => ({ status: 'ok' }))
  app.get(readyPath, async (_request, reply) => {
    const readiness = await library.readiness()
    return reply.code(readiness.ready ? 200 : 503).send(readiness)
  })
  app.get('/metrics', async (_request, reply) => {
    const { contentType, text } = await library.metrics()
    return reply.type(contentType).send(text)
  })
}

/** The few fields of our own forms. */
function readForms(app: FastifyInstance): void {
  const type = 'application/x-www-form-urlencoded'
  app.addContentTypeParser(type, { parseAs: 'string', bodyLimit: 16_384 }, (_request, body, done) =>
    done(null, body),
  )
}

/** Errors are pages for people, and JSON for programs. */
function answerErrors(app: FastifyInstance, log: Logger): void {
  app.setErrorHandler((error, request, reply) => {
    const { status, code, message } = answerTo(error)
    if (status >= 500) log.warn({ err: error }, 'the board could not answer')
    reply.code(status)
    if (!isForPeople(request)) return reply.send({ error: code, message })
    return reply.type('text/html').send(errorPage(code, message))
  })
  app.setNotFoundHandler((request, reply) => {
    const [error, message] = ['Not found', 'There is no such page.']
    reply.code(404)
    if (!isForPeople(request)) return reply.send({ error, message })
    return reply.type('text/html').send(errorPage(error, message))
  })
}

const ownPages = /^\/(?:(?:tenants|actions|inspect|steer|chosen)\/.*|runs(?:\/[^/]*)?)$/

function isForPeople({ headers, url }: FastifyRequest): boolean {
  const path = url.split('?', 1)[0] ?? ''
  if (/\.json$|^\/api\//.test(path)) return false
  return ownPages.test(path) || /\btext\/html\b/.test(headers.accept ?? '')
}

async function listen(app: FastifyInstance, at: { host: string; port: number }): Promise<void> {
  try {
    await app.listen(at)
  } catch (cause) {
    await app.close()
    const message = `the board cannot listen on port ${at.port} of ${at.host}: ${messageOf(cause)}`
    throw new RehomeError('USAGE', message, { cause })
  }
}

/** An address that a browser on this machine can open. */
function urlOf(host: string, address: AddressInfo | string | null): string {
  const port = typeof address === 'object' ? address?.port : undefined
  const reachable = { '0.0.0.0': '127.0.0.1', '::': '::1' }[host] ?? host
  return `http://${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}`
}

/**
 * Fastify 5: a plugin for the instance that registers it, not for one of its own. Routes that are
 * declared after it has loaded get its error handler ahead of all others; where routes stand
 * already, it becomes the instance's.
 */
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import type { Answer } from './answer.ts'
import type { Decision, ReadOnlyGate, RequestGuard } from './door.ts'
import { ofNode } from './web-request.ts'

export interface FastifyRequest {
  readonly raw: IncomingMessage
  readonly body: unknown
  readonly originalUrl: string
}

export interface FastifyReply {
  readonly raw: ServerResponse
  code(status: number): unknown
  getHeader(name: string): unknown
  removeHeader(name: string): unknown
  headers(headers: Record<string, string>): unknown
  send(body: string): unknown
  hijack(): unknown
}

/** The members of Fastify that a plugin needs, without its types. */
export interface FastifyInstance {
  addHook(name: never, hook: never): unknown
  setErrorHandler(handler: never): unknown
  printRoutes(): string
}

/** The part of it that is used, whatever its own types of requests and replies are. */
interface Hooks {
  addHook(name: string, hook: unknown): unknown
  setErrorHandler(handler: unknown): unknown
}

type ErrorHandler<R> = (
  error: unknown,
  request: R & FastifyRequest,
  reply: FastifyReply,
) => Promise<unknown>

type Handler<R> = (request: R & FastifyRequest, reply: FastifyReply) => unknown

interface Route<R> {
  handler: Handler<R>
  errorHandler?: ErrorHandler<R>
}

export function fastifyPlugin<R extends object>(gate: ReadOnlyGate<R>) {
  const guards = new WeakMap<object, RequestGuard>()
  const guardOf = (request: R & FastifyRequest, reply: FastifyReply) => {
    const guard =
      guards.get(request) ??
      gate.guard(request, ofNode(request.raw, reply.raw, request.originalUrl))
    guards.set(request, guard)
    return guard
  }
  const enter = async (request: R & FastifyRequest, reply: FastifyReply) => {
    const decision = await guardOf(request, reply).enter()
    if (decision === 'pass') return undefined
    if (decision === 'client-left') return reply.hijack()
    return reply.send(prepare(reply, decision))
  }
  const failures: Failures = new WeakMap()
  const onError: ErrorHandler<R> = async (error, request, reply) => {
    if (reply.raw.headersSent) throw error
    const guard = guardOf(request, reply)
    const failure = failures.get(request)
    // Where a hook was refused, hooks behind it may not have asked yet who may come in.
    if (!failure || failure.error !== error)
      return finish(error, reply, await guard.refusedOrSentAgain(error))
    if (!isWhole(request)) return finish(error, reply, await guard.refusedOrSentAgain(error))
    const decision = await guard.refusedOrAgain(error)
    if (decision !== 'again') return finish(error, reply, decision)
    try {
      return await failure.runAgain()
    } catch (second) {
      return finish(second, reply, await guard.refused(second))
    }
  }
  const plugin = async (instance: FastifyInstance): Promise<void> => {
    const addRoute = (route: Route<R>) => {
      const own = route.errorHandler
      route.handler = noting(failures, route.handler)
      // What it throws goes on to the handlers of the instance.
      route.errorHandler = own
        ? (error, ...rest) => onError(error, ...rest).catch((e) => own(e, ...rest))
        : onError
    }
    const hooks: Hooks = instance
    hooks.addHook('onRoute', addRoute)
    hooks.addHook('preHandler', enter)
    if (instance.printRoutes().trim() !== '(empty tree)') {
      hooks.setErrorHandler(onError)
    }
  }
  return Object.assign(plugin, {
    [Symbol.for('skip-override')]: true,
    [Symbol.for('fastify.display-name')]: 'rehome-read-only-mode',
  })
}

/** Whether its handler would get the same body once more: a stream that was read is empty. */
function isWhole({ body, raw }: FastifyRequest): boolean {
  if (body === undefined || body === null) return !raw.readableDidRead || !hasBody(raw.headers)
  return typeof body !== 'object' || !('pipe' in body || Symbol.asyncIterator in body)
}

function hasBody({ 'content-length': length, 'transfer-encoding': coding }: IncomingHttpHeaders) {
  return coding !== undefined || Number(length ?? 0) > 0
}

/** Errors of requests' handlers, each with a way to run the handler once more. */
type Failures = WeakMap<object, { readonly error: unknown; runAgain(): Promise<unknown> }>

/** The handler as it was, but that its failures are noted. */
function noting<R extends object>(failures: Failures, handler: Handler<R>): Handler<R> {
  return function (this: unknown, request, reply) {
    const run = () => handler.call(this, request, reply)
    const note = (error: unknown) => {
      const runAgain = async () => {
        // It may have set what would have come of it before it was refused.
        reply.code(200)
        return await run()
      }
      failures.set(request, { error, runAgain })
    }
    try {
      const result = run()
      if (result instanceof Promise) result.catch(note)
      return result
    } catch (error) {
      note(error)
      throw error
    }
  }
}

function finish(error: unknown, reply: FastifyReply, decision: null | Decision) {
  if (decision === null || reply.raw.headersSent) throw error
  if (decision !== 'client-left') return prepare(reply, decision)
  reply.hijack()
  return undefined
}

/** Returns the body, which is then sent. */
function prepare(reply: FastifyReply, { status, headers, body }: Answer): string {
  for (const name of ['content-encoding', 'etag']) reply.removeHeader(name)
  const before = reply.getHeader('vary')
  const vary = [before, headers.vary].flat().filter(Boolean).join(', ')
  reply.code(status)
  reply.headers({ ...headers, vary })
  return body
}

/**
 * Bull Board's routes, cut down to what is safe here. Those that write are refused unless they
 * stand in `harmless`; Retry is answered by the product. What only reads stays Bull Board's own.
 *
 * Invariant: nothing done in Bull Board changes what the control database wants to have done, other
 * than through the product.
 */
import { FastifyAdapter } from '@bull-board/fastify'
import type { Job, Queue } from 'bullmq'
import type { Logger } from '../log.ts'
import { type Answer, answerTo } from './answers.ts'
import type { BoardLibrary } from './library.ts'
import { type RetriedAll, retryFailed, retryJob } from './retry.ts'

type Routes = Parameters<FastifyAdapter['setApiRoutes']>[0]
type Route = Routes[number]
type Handler = Route['handler']
type Reply = Awaited<ReturnType<Handler>>
type ErrorHandler = Parameters<FastifyAdapter['setErrorHandler']>[0]

/**
 * A pause holds back what has not begun, and the promotion of a delayed job is the attempt that
 * would come anyway. What is not here is refused: adding, removing, emptying and obliterating, a
 * job's data, delay and priority, schedulers, rate limits, concurrency, and whatever a later
 * version brings.
 */
const harmless: ReadonlySet<string> = new Set([
  'put /api/queues/pause',
  'put /api/queues/resume',
  'put /api/queues/:queueName/pause',
  'put /api/queues/:queueName/resume',
  'put /api/queues/:queueName/promote',
  'put /api/queues/:queueName/:jobId/promote',
])

export class BoardAdapter extends FastifyAdapter {
  readonly #library: BoardLibrary
  readonly #log: Logger

  readonly #callerName: () => string

  /** `callerName`: who sent the request that is being answered, with their role. */
  constructor(library: BoardLibrary, log: Logger, callerName: () => string) {
    super()
    this.#library = library
    this.#log = log
    this.#callerName = callerName
  }

  override setApiRoutes(routes: Routes): this {
    const own = ownHandlers(this.#library, this.#callerName)
    super.setApiRoutes(
      routes.map((route) => ({
        ...route,
        handler: this.#guarded(this.#recorded(route, handlerOf(route, own))),
      })),
    )
    return this
  }

  override setErrorHandler(_theirs: ErrorHandler): this {
    super.setErrorHandler((error) => this.#explained(error))
    return this
  }

  /** A pause outlives its request, so it is kept who made it. */
  #recorded(route: Route, handler: Handler): Handler {
    const pauses = namesOf(route).map((name) => pausing.exec(name)?.[1])
    const [what] = pauses
    if (what === undefined) return handler
    return async (request) => {
      const name: unknown = request?.params?.queueName
      const all = Object.values(this.#library.queues.byErrand).map((queue) => queue.name)
      const queues = [...new Set(all)].filter((one) => name === undefined || one === name)
      await this.#library.recordPause(queues, what === 'pause' ? this.#callerName() : null)
      return await handler(request)
    }
  }

  #guarded(handler: Handler): Handler {
    return async (request) => {
      try {
        return await handler(request)
      } catch (error) {
        return this.#explained(error)
      }
    }
  }

  #explained(error: unknown): Reply {
    const answer = answerTo(error, 'the queue or the control database')
    if (answer.status >= 500) this.#log.warn({ err: error }, 'the board could not answer')
    return replyOf(answer)
  }
}

const pausing = /^put \/api\/queues(?:\/:queueName)?\/(pause|resume)$/

function handlerOf(route: Route, own: ReadonlyMap<string, Handler>): Handler {
  const names = namesOf(route)
  if (names.every((name) => name.startsWith('get '))) return route.handler
  const [name = ''] = names
  if (names.length === 1 && harmless.has(name)) return route.handler
  return own.get(name) ?? refuse
}

/** `put /api/queues/pause` and so on: every method with every path. */
function namesOf({ method, route }: Route): string[] {
  return [method].flat().flatMap((m) => [route].flat().map((path) => `${m.toLowerCase()} ${path}`))
}

const refuse: Handler = () => ({
  status: 403,
  body: {
    error: 'Not possible here',
    message:
      'Jobs only refer to moves. Use the `rehome` commands to change what happens to a tenant.',
  },
})

function ownHandlers(library: BoardLibrary, by: () => string): ReadonlyMap<string, Handler> {
  return new Map<string, Handler>([
    [
      'put /api/queues/:queueName/:jobId/retry',
      async (request) => {
        const queue = queueOf(library, request?.params.queueName)
        const job: Job | undefined = await queue?.getJob(String(request?.params.jobId))
        if (!job) return notFound('There is no such job.')
        await retryJob(library, job, by())
        return { status: 204, body: {} }
      },
    ],
    [
      'put /api/queues/:queueName/retry/:queueStatus',
      async (request) => {
        const queue = queueOf(library, request?.params.queueName)
        if (!queue) return notFound('There is no such queue.')
        if (request?.params.queueStatus !== 'failed') return onlyFailed
        return retriedAll(await retryFailed(library, queue, by()))
      },
    ],
  ])
}

function queueOf(library: BoardLibrary, name: unknown): Queue | undefined {
  return Object.values(library.queues.byErrand).find((queue) => queue.name === name)
}

const onlyFailed: Reply = {
  status: 409,
  body: { error: 'Not retried', message: 'Only what failed can be retried.' },
}

function notFound(message: string): Reply {
  return { status: 404, body: { error: 'Not found', message } }
}

/**
 * Bull Board has no words for "some of them", so a refusal is reported as an error, with the
 * number.
 */
function retriedAll({ retried, refusals }: RetriedAll): Reply {
  const [first] = refusals
  if (first === undefined) return { status: 200, body: { retried, skipped: 0 } }
  const error = `${retried} retried, ${refusals.length} not`
  return { status: 409, body: { error, message: refusals.length > 1 ? `e.g. ${first}` : first } }
}

/** The reply that Bull Board's page shows as an error: the first text is its title. */
function replyOf({ status, code, message }: Answer): Reply {
  return {
    status: status === 503 ? 500 : status,
    body: { error: status === 409 ? 'Not retried' : 'Not possible', code, message },
  }
}

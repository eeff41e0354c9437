/** Handlers from Request to Response, and Hono 4, which has such requests and responses inside. */
import type { Decision, ReadOnlyGate, RequestGuard } from './door.ts'
import { ofFetch } from './web-request.ts'

/** A body that is kept for a second run takes memory meanwhile; larger ones are not kept. */
const keptBytesMax = 1024 * 1024

export function fetchHandler<R extends Request, Rest extends unknown[]>(
  gate: ReadOnlyGate<R>,
  handler: (request: R, ...rest: Rest) => Response | Promise<Response>,
): (request: R, ...rest: Rest) => Promise<Response> {
  return async (request, ...rest) => {
    const guard = gate.guard(request, ofFetch(request))
    const entered = await guard.enter()
    if (entered !== 'pass') return responseTo(entered)
    const spare = guard.repeats ? keep(request) : null
    try {
      const response = await handler(request, ...rest)
      drop(spare)
      return response
    } catch (error) {
      if (!spare) return answerTo(error, await guard.refusedOrSentAgain(error))
      const decision = await guard.refusedOrAgain(error)
      if (decision === 'again') return await lastRun(guard, () => handler(spare, ...rest))
      drop(spare)
      return answerTo(error, decision)
    }
  }
}

async function lastRun(
  guard: RequestGuard,
  run: () => Response | Promise<Response>,
): Promise<Response> {
  try {
    return await run()
  } catch (error) {
    return answerTo(error, await guard.refused(error))
  }
}

function answerTo(error: unknown, decision: null | Decision): Response {
  if (decision === null) throw error
  return responseTo(decision)
}

/** Cancels an unread branch of a body: it would keep all that the other branch has read. */
function drop(spare: Request | null): void {
  spare?.body?.cancel().catch(() => {})
}

function keep<R extends Request>(request: R): R | null {
  const length = request.headers.get('content-length')
  const bytes = request.body === null ? 0 : Number(length ?? Number.POSITIVE_INFINITY)
  return bytes <= keptBytesMax ? (request.clone() as R) : null
}

/** A client that has left never reads it. */
function responseTo(decision: Decision, others: Headers = new Headers()): Response {
  if (decision === 'client-left') return new Response(null, { status: 503 })
  for (const name of ['content-encoding', 'content-length', 'etag']) others.delete(name)
  for (const [name, value] of Object.entries(decision.headers)) {
    if (name === 'set-cookie' || name === 'vary') others.append(name, value)
    else others.set(name, value)
  }
  return new Response(decision.body || null, { status: decision.status, headers: others })
}

export interface HonoContext {
  readonly req: { readonly raw: Request }
  readonly error: Error | undefined
  res: Response | undefined
}

/** Hono has asked the application's `onError` by the time that an error comes here. */
export function honoMiddleware<R extends object>(gate: ReadOnlyGate<R>) {
  return async (
    context: R & HonoContext,
    next: () => Promise<void>,
  ): Promise<Response | undefined> => {
    const guard = gate.guard(context, ofFetch(context.req.raw))
    const entered = await guard.enter()
    if (entered !== 'pass') return responseTo(entered)
    // Hono passes on what is no Error, and nothing else.
    await next()
    const decision = context.error ? await guard.refusedOrSentAgain(context.error) : null
    if (decision === null) return undefined
    const headers = new Headers(context.res?.headers)
    // Hono adds the headers of the one before to a response that replaces it.
    context.res = undefined
    context.res = responseTo(decision, headers)
    return undefined
  }
}

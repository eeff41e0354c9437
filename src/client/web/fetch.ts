/** Handlers from Request to Response, and Hono 4, which has such requests and responses inside. */
import type { Door, Verdict, Visit } from './door.ts'
import { ofFetch } from './web-request.ts'

/** A body that is kept for a second run takes memory meanwhile; larger ones are not kept. */
const keptBytesMax = 1024 * 1024

export function fetchHandler<R extends Request, Rest extends unknown[]>(
  door: Door<R>,
  handler: (request: R, ...rest: Rest) => Response | Promise<Response>,
): (request: R, ...rest: Rest) => Promise<Response> {
  return async (request, ...rest) => {
    const visit = door.visit(request, ofFetch(request))
    const entered = await visit.enter()
    if (entered !== 'pass') return responseTo(entered)
    const spare = visit.repeats ? keep(request) : null
    try {
      const response = await handler(request, ...rest)
      drop(spare)
      return response
    } catch (error) {
      if (!spare) return answerTo(error, await visit.refusedOrSentAgain(error))
      const verdict = await visit.refusedOrAgain(error)
      if (verdict === 'again') return await lastRun(visit, () => handler(spare, ...rest))
      drop(spare)
      return answerTo(error, verdict)
    }
  }
}

async function lastRun(visit: Visit, run: () => Response | Promise<Response>): Promise<Response> {
  try {
    return await run()
  } catch (error) {
    return answerTo(error, await visit.refused(error))
  }
}

function answerTo(error: unknown, verdict: null | Verdict): Response {
  if (verdict === null) throw error
  return responseTo(verdict)
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
function responseTo(verdict: Verdict, others: Headers = new Headers()): Response {
  if (verdict === 'gone') return new Response(null, { status: 503 })
  for (const name of ['content-encoding', 'content-length', 'etag']) others.delete(name)
  for (const [name, value] of Object.entries(verdict.headers)) {
    if (name === 'set-cookie' || name === 'vary') others.append(name, value)
    else others.set(name, value)
  }
  return new Response(verdict.body || null, { status: verdict.status, headers: others })
}

export interface HonoContext {
  readonly req: { readonly raw: Request }
  readonly error: Error | undefined
  res: Response | undefined
}

/** Hono has asked the application's `onError` by the time that an error comes here. */
export function honoMiddleware<R extends object>(door: Door<R>) {
  return async (
    context: R & HonoContext,
    next: () => Promise<void>,
  ): Promise<Response | undefined> => {
    const visit = door.visit(context, ofFetch(context.req.raw))
    const entered = await visit.enter()
    if (entered !== 'pass') return responseTo(entered)
    // Hono passes on what is no Error, and nothing else.
    await next()
    const verdict = context.error ? await visit.refusedOrSentAgain(context.error) : null
    if (verdict === null) return undefined
    const headers = new Headers(context.res?.headers)
    // Hono adds the headers of the one before to a response that replaces it.
    context.res = undefined
    context.res = responseTo(verdict, headers)
    return undefined
  }
}

/** Express 5: one middleware ahead of the routes, and one error handler behind them. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Answer } from './answer.ts'
import type { Door, Visit } from './door.ts'
import { ofNode } from './web-request.ts'

export interface ExpressRequest extends IncomingMessage {
  readonly originalUrl: string
}

type Next = (error?: unknown) => void

type Middleware<R> = (
  request: R & ExpressRequest,
  response: ServerResponse,
  next: Next,
) => Promise<void>

type ErrorHandler<R> = (
  error: unknown,
  request: R & ExpressRequest,
  response: ServerResponse,
  next: Next,
) => Promise<void>

export interface ExpressAdapter<R> {
  readonly before: Middleware<R>
  readonly after: ErrorHandler<R>
}

export function expressAdapter<R extends object>(door: Door<R>): ExpressAdapter<R> {
  const visits = new WeakMap<object, Visit>()
  const visitOf = (request: R & ExpressRequest, response: ServerResponse) => {
    const visit =
      visits.get(request) ?? door.visit(request, ofNode(request, response, request.originalUrl))
    visits.set(request, visit)
    return visit
  }
  return {
    async before(request, response, next) {
      const verdict = await visitOf(request, response).enter()
      if (verdict === 'pass') next()
      else if (verdict !== 'gone') send(response, verdict)
    },
    async after(error, request, response, next) {
      const verdict = response.headersSent
        ? null
        : await visitOf(request, response).refusedOrSentAgain(error)
      if (verdict === null || response.headersSent) next(error)
      else if (verdict !== 'gone') send(response, verdict)
    },
  }
}

/** Headers that were set before stay, except those that describe their body. */
function send(response: ServerResponse, { status, headers, body }: Answer): void {
  for (const name of ['content-encoding', 'content-length', 'etag']) response.removeHeader(name)
  for (const [name, value] of Object.entries(headers)) {
    if (name === 'set-cookie' || name === 'vary') response.appendHeader(name, value)
    else response.setHeader(name, value)
  }
  response.statusCode = status
  response.end(body)
}

/** Express 5: one middleware ahead of the routes, and one error handler behind them. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Answer } from './answer.ts'
import type { ReadOnlyGate, RequestGuard } from './door.ts'
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

export function expressAdapter<R extends object>(gate: ReadOnlyGate<R>): ExpressAdapter<R> {
  const guards = new WeakMap<object, RequestGuard>()
  const guardOf = (request: R & ExpressRequest, response: ServerResponse) => {
    const guard =
      guards.get(request) ?? gate.guard(request, ofNode(request, response, request.originalUrl))
    guards.set(request, guard)
    return guard
  }
  return {
    async before(request, response, next) {
      const decision = await guardOf(request, response).enter()
      if (decision === 'pass') next()
      else if (decision !== 'client-left') send(response, decision)
    },
    async after(error, request, response, next) {
      const decision = response.headersSent
        ? null
        : await guardOf(request, response).refusedOrSentAgain(error)
      if (decision === null || response.headersSent) next(error)
      else if (decision !== 'client-left') send(response, decision)
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

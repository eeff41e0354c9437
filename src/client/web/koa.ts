/** Koa 3: one middleware, ahead of all that writes. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Decision, ReadOnlyGate } from './door.ts'
import { ofNode } from './web-request.ts'

export interface KoaContext {
  readonly req: IncomingMessage
  readonly res: ServerResponse
  readonly originalUrl: string
  readonly headerSent: boolean
  status: number
  body: unknown
  respond?: boolean | undefined
  set(headers: Record<string, string>): void
  append(name: string, value: string): void
  vary(name: string): void
  remove(name: string): void
}

export function koaMiddleware<R extends object>(gate: ReadOnlyGate<R>) {
  return async (context: R & KoaContext, next: () => Promise<unknown>): Promise<void> => {
    const guard = gate.guard(context, ofNode(context.req, context.res, context.originalUrl))
    const entered = await guard.enter()
    if (entered !== 'pass') return send(context, entered)
    try {
      await next()
    } catch (error) {
      const decision = context.headerSent ? null : await guard.refusedOrSentAgain(error)
      if (decision === null || context.headerSent) throw error
      send(context, decision)
    }
  }
}

function send(context: KoaContext, decision: Decision): void {
  if (decision === 'client-left') {
    context.respond = false
    return
  }
  const { 'set-cookie': cookie, vary, ...headers } = decision.headers
  for (const name of ['content-encoding', 'content-length', 'etag']) context.remove(name)
  context.set(headers)
  if (cookie !== undefined) context.append('set-cookie', cookie)
  if (vary !== undefined) context.vary(vary)
  context.status = decision.status
  context.body = decision.body
}

/** Read-only mode as people meet it: one object, of which an application uses what it needs. */
import type { Fence } from '../fence.ts'
import { clearedNotice, readNotice } from './cookies.ts'
import { createReadOnlyGate } from './door.ts'
import { checkOptions, type ReadOnlyModeOptions } from './door-options.ts'
import { expressAdapter } from './express.ts'
import { fastifyPlugin } from './fastify.ts'
import { fetchHandler, honoMiddleware } from './fetch.ts'
import { bannerOf } from './html.ts'
import { koaMiddleware } from './koa.ts'
import { whenToTryAgain } from './texts.ts'

export type ReadOnlyMode<R extends object> = ReturnType<typeof createReadOnlyMode<R>>

/** Throws USAGE where the options cannot be meant. */
export function createReadOnlyMode<R extends object>(options: ReadOnlyModeOptions<R>) {
  const checked = checkOptions(options)
  const gate = createReadOnlyGate(checked)
  const express = expressAdapter(gate)
  const { texts } = checked
  return {
    /** Ahead of the routes. */
    express: () => express.before,
    /** Behind the routes, and ahead of the application's own error handler. */
    expressErrors: () => express.after,
    /** `await app.register(readOnly.fastify)`, ahead of the routes. */
    fastify: fastifyPlugin(gate),
    hono: () => honoMiddleware(gate),
    koa: () => koaMiddleware(gate),
    fetch: <Rest extends unknown[]>(
      handler: (request: R & Request, ...rest: Rest) => Response | Promise<Response>,
    ) => fetchHandler<R & Request, Rest>(gate, handler),
    /** For the head of a tenant's pages: what `look` has returned, in HTML; empty for null. */
    banner(fence: Fence | null): string {
      if (!fence) return ''
      const when = whenToTryAgain(texts, fence.indefinite ? null : fence.retryAfterS)
      return bannerOf('banner', [texts.title, fence.reason, when])
    },
    /**
     * For the page that a refused form was sent back to, from the request's `Cookie`: the notice in
     * HTML, and the `Set-Cookie` that takes it away. Empty and null where there is none.
     */
    notice(cookies: string | undefined): { html: string; clear: string | null } {
      const retryAfterS = readNotice(cookies)
      if (retryAfterS === undefined) return { html: '', clear: null }
      const sentences = [texts.notSaved, whenToTryAgain(texts, retryAfterS)]
      return { html: bannerOf('notice', sentences), clear: clearedNotice }
    },
  }
}

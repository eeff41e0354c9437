/**
 * The common form of a request in all frameworks. Nothing here reads a body.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'

export interface WebRequest {
  readonly method: string
  /** Path and query, as they were asked for. */
  readonly url: string
  /** Where it was sent to: `host` or `host:port`. */
  readonly host: string | undefined
  header(name: string): string | undefined
  /** Aborted once the client has left. */
  signal(): AbortSignal
}

/** `url`: as it was before a router has taken its part away. */
export function ofNode(
  incoming: IncomingMessage,
  response: ServerResponse,
  url: string = incoming.url ?? '/',
): WebRequest {
  const header = (name: string) => {
    const value = incoming.headers[name]
    return Array.isArray(value) ? value.join(', ') : value
  }
  let left: AbortController | undefined
  return {
    method: incoming.method ?? 'GET',
    url,
    host: header('host') ?? header(':authority'),
    header,
    signal() {
      left ??= abortedWith(response)
      return left.signal
    },
  }
}

/** Whether a response was sent is what tells a client that has left from one that was served. */
function abortedWith(response: ServerResponse): AbortController {
  const left = new AbortController()
  const check = () => {
    if (!response.writableFinished) left.abort()
  }
  if (response.destroyed) check()
  else response.once('close', check)
  return left
}

export function ofFetch(request: Request): WebRequest {
  const { pathname, search, host } = new URL(request.url)
  const header = (name: string) => request.headers.get(name) ?? undefined
  return {
    method: request.method,
    url: `${pathname}${search}`,
    host: header('host') ?? host,
    header,
    signal: () => request.signal,
  }
}

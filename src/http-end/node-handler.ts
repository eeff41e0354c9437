/** The end as a handler for node:http, and for whatever is made of it, such as Express. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import type { HttpEndServer } from './http-end.ts'

/** The body must not have been read before: mount it ahead of parsers. Never rejects. */
export function nodeHandler(
  end: Pick<HttpEndServer, 'handle'>,
): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  return async (incoming, outgoing) => {
    const request = readRequest(incoming)
    if (!request) return void outgoing.writeHead(400).end()
    const response = await end.handle(request)
    outgoing.writeHead(response.status, Object.fromEntries(response.headers))
    outgoing.end(Buffer.from(await response.arrayBuffer()))
  }
}

/** null: no request that the Fetch standard knows, such as TRACE, or one to `//`. */
function readRequest(incoming: IncomingMessage): Request | null {
  try {
    return requestOf(incoming)
  } catch {
    return null
  }
}

function requestOf(incoming: IncomingMessage): Request {
  const { method = 'GET', headers } = incoming
  // Express takes the path that it is mounted at away from `url`.
  const { originalUrl } = incoming as { originalUrl?: string }
  const path = originalUrl ?? incoming.url ?? '/'
  const given = new Headers()
  for (const [name, value] of Object.entries(headers)) {
    for (const one of [value ?? []].flat()) given.append(name, one)
  }
  const hasBody = method !== 'GET' && method !== 'HEAD'
  const body = hasBody
    ? { body: Readable.toWeb(incoming) as ReadableStream, duplex: 'half' as const }
    : {}
  return new Request(new URL(path, 'http://end'), { method, headers: given, ...body })
}

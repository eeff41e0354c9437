/** The end as a handler for node:http, and for whatever is made of it, such as Express. */
import type { IncomingMessage, ServerResponse } from 'node:http'
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
    outgoing.once('finish', () => passOver(incoming))
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

function requestOf(incoming: IncomingMessage & { readonly originalUrl?: string }): Request {
  const { method = 'GET', headers } = incoming
  // Express takes the path that it is mounted at away from `url`.
  const { originalUrl = incoming.url ?? '/' } = incoming
  const copy = new Headers()
  for (const [name, value] of Object.entries(headers)) {
    for (const one of [value ?? []].flat()) copy.append(name, one)
  }
  const hasBody = method !== 'GET' && method !== 'HEAD'
  const body = hasBody ? { body: bodyOf(incoming), duplex: 'half' as const } : {}
  return new Request(new URL(originalUrl, 'http://end'), { method, headers: copy, ...body })
}

/** Nothing is read before somebody asks for it: most requests that are refused are never read. */
function bodyOf(incoming: IncomingMessage): ReadableStream<Uint8Array> {
  let chunks: AsyncIterator<Uint8Array> | null = null
  return new ReadableStream(
    {
      async pull(controller) {
        chunks ??= incoming.iterator({ destroyOnReturn: false })
        const { done, value } = await chunks.next()
        if (done) controller.close()
        else controller.enqueue(value)
      },
      async cancel() {
        await chunks?.return?.()
      },
    },
    { highWaterMark: 0 },
  )
}

const passedOverMax = 1024 * 1024

/**
 * The rest of an answered request is thrown away, so that the connection can be used again;
 * if the client goes on sending, the connection is cut.
 */
function passOver(incoming: IncomingMessage): void {
  if (incoming.complete) return
  let bytes = 0
  incoming.removeAllListeners('readable')
  incoming.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes > passedOverMax) incoming.socket.destroy()
  })
  incoming.resume()
}

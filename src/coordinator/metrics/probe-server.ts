/**
 * The small HTTP server of a worker: /metrics, /healthz, /readyz. It has no token and takes no
 * request that changes anything, so it listens on this machine unless told otherwise.
 */
import { createServer, type ServerResponse } from 'node:http'
import { messageOf, RehomeError } from '../../errors.ts'
import type { Logger } from '../../log.ts'
import type { Metrics } from './metrics.ts'
import type { Readiness } from './readiness.ts'

export interface ProbeOptions {
  readonly host: string
  /** 0: any that is free. */
  readonly port: number
  readonly metrics: Metrics
  readonly readiness: () => Promise<Readiness>
  readonly log: Pick<Logger, 'warn'>
}

export interface ProbeServer {
  readonly url: string
  close(): Promise<void>
}

/** Throws USAGE where it cannot listen there. */
export async function startProbeServer(options: ProbeOptions): Promise<ProbeServer> {
  const { host, port } = options
  // A client that sends its request slowly does not hold its connection for longer.
  const limits = { requestTimeout: 10_000, connectionsCheckingInterval: 2_000 }
  const server = createServer(limits, (request, response) => {
    const path = (request.url ?? '').split('?', 1)[0]
    answer(options, path ?? '', response).catch((err: unknown) => {
      // Anybody may ask, so the reason is for the log alone.
      options.log.warn({ err, path }, 'a probe could not be answered')
      send(response, 500, { error: 'failed: see the log' })
    })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => {
      const message = `the worker cannot listen on port ${port} of ${host}: ${messageOf(cause)}`
      reject(new RehomeError('USAGE', message, { cause }))
    })
    server.listen(port, host, resolve)
  })
  const address = server.address()
  const bound = typeof address === 'object' && address ? address.port : port
  const close = async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
  return { url: `http://${host.includes(':') ? `[${host}]` : host}:${bound}`, close }
}

async function answer(
  { metrics, readiness }: ProbeOptions,
  path: string,
  response: ServerResponse,
): Promise<void> {
  if (path === '/healthz') return send(response, 200, { status: 'ok' })
  if (path === '/readyz') {
    const { ready, checks } = await readiness()
    return send(response, ready ? 200 : 503, { ready, checks })
  }
  if (path !== '/metrics') return send(response, 404, { error: 'Not found' })
  const text = await metrics.text()
  response.writeHead(200, { 'content-type': metrics.contentType }).end(text)
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

// An application that is one end over HTTP: the server half over a test's database, on any port.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createHttpEnd, type HttpEndOptions, nodeHandler } from '../../src/http-end/entry.ts'
import { type HttpEndpoint, http } from '../../src/plan/endpoint.ts'
import type { TestDatabase } from './database.ts'
import { smallPlan } from './small-plan.ts'
import type { World } from './world.ts'

export const secret = 'a-secret-of-some-length'

export interface ServedEnd extends AsyncDisposable {
  readonly url: string
  /** How often each path was asked for. */
  readonly asked: ReadonlyMap<string, number>
  /** Stops listening, and cuts what is under way. */
  stop(): Promise<void>
  /** Listens again, at the same place. */
  start(): Promise<void>
}

type Handler = (request: IncomingMessage, response: ServerResponse) => unknown

/** A layer between the network and the end. */
export type Between = (handler: Handler) => Handler

export const smallTables = smallPlan({}).tables.filter((entry) => entry.kind !== 'stream')

type Served = Pick<HttpEndOptions, 'tables' | 'exclude' | 'feed' | 'schema' | 'scope' | 'maxBytes'>

export interface ServeOptions extends Partial<Served> {
  readonly between?: Between
  readonly hmac?: boolean
}

export async function serveEnd(
  database: Pick<TestDatabase, 'pool'>,
  options: ServeOptions = {},
): Promise<ServedEnd> {
  const { tables = smallTables, exclude = [] } = options
  const auth = options.hmac ? { hmac: secret } : { bearer: secret }
  const { feed = true, schema = 'public', scope = 'default' } = options
  const { maxBytes } = options
  const own = { schema, scope, tables, exclude, auth, feed, ...(maxBytes && { maxBytes }) }
  const end = createHttpEnd({ pool: database.pool, ...own })
  await end.install()
  const handler: Handler = nodeHandler(end)
  return await serve(options.between ? options.between(handler) : handler)
}

export async function serve(handler: Handler): Promise<ServedEnd> {
  const asked = new Map<string, number>()
  const server = createServer((request, response) => {
    const path = request.url ?? ''
    asked.set(path, (asked.get(path) ?? 0) + 1)
    return handler(request, response)
  })
  const listen = (port: number) =>
    new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  const stop = async () => {
    if (!server.listening) return
    const closed = new Promise<void>((resolve) => server.close(() => resolve()))
    server.closeAllConnections()
    await closed
  }
  await listen(0)
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/rehome`,
    asked,
    stop,
    start: () => listen(port),
    [Symbol.asyncDispose]: stop,
  }
}

/** The end in a plan; the secret stands in the world's environment. */
export function overHttp(
  world: Pick<World, 'environment'>,
  { url }: ServedEnd,
  changes: Partial<HttpEndpoint> = {},
): HttpEndpoint {
  world.environment.END_SECRET = secret
  return http({ baseUrl: url, auth: { bearerFrom: 'END_SECRET' }, pageRows: 12, ...changes })
}

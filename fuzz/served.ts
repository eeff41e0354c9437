/**
 * Ends of a case that are reached over HTTP, in this process: the server half over a pool of the
 * case's role. An end serves the tables that the plan names, so each plan opens it anew.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import pg from 'pg'
import {
  createHttpEnd,
  type HttpEndOptions,
  type HttpEndServer,
  nodeHandler,
} from '../src/http-end/entry.ts'
import { type HttpEndpoint, http } from '../src/plan/endpoint.ts'
import { type DiscoverTables, type PlanInput, type TablePlan, table } from '../src/plan/plan.ts'
import type { Case, EndName } from './cases/case.ts'
import type { Databases } from './ground.ts'
import type { Moments } from './moments.ts'

export interface Served extends AsyncDisposable {
  /** Endpoints for a plan. */
  readonly endpoints: Readonly<Partial<Record<EndName, HttpEndpoint>>>
  /** Serves the tables of this plan from here on. */
  serve(plan: PlanInput): void
  /** Installs the fence as the owner of the database, as a deployment does. */
  install(): Promise<void>
}

const secret = 'a-secret-of-the-fuzzer'
export const servedEnvironment = { END_SECRET: secret }

interface Serving {
  readonly endpoint: HttpEndpoint
  handler: ReturnType<typeof nodeHandler> | null
  readonly asOwner: pg.Pool
  readonly asRole: pg.Pool
  close(): Promise<void>
}

export async function openServed(kase: Case, at: Databases, moments: Moments): Promise<Served> {
  const ends = new Map<EndName, Serving>()
  for (const end of kase.story.over) ends.set(end, await listen(kase, { at, end, moments }))
  let plan: PlanInput | null = null
  const endOf = (pool: pg.Pool, end: EndName): HttpEndServer => {
    const { exclude = [] } = plan ?? {}
    const own = { pool, schema: kase.schema, auth: { bearer: secret } }
    return createHttpEnd({ ...own, exclude, tables: tablesOf(plan, end) })
  }
  return {
    endpoints: Object.fromEntries([...ends].map(([end, { endpoint }]) => [end, endpoint])),
    serve(next) {
      plan = next
      for (const [end, serving] of ends) serving.handler = nodeHandler(endOf(serving.asRole, end))
    },
    async install() {
      for (const [end, { asOwner }] of ends) await endOf(asOwner, end).install()
    },
    async [Symbol.asyncDispose]() {
      for (const serving of ends.values()) await serving.close()
    },
  }
}

/** Tables of the plan without its changes to their rows. */
function tablesOf(plan: PlanInput | null, end: EndName): HttpEndOptions['tables'] {
  return (plan?.tables ?? []).flatMap((one): (TablePlan | DiscoverTables)[] => {
    if (one.kind === 'discover') return [one]
    if (one.kind !== 'table') return []
    const { tenant, key, through, side, sharing } = one
    const name = end === 'target' ? (one.to ?? one.name) : one.name
    const own = table(name, { ...(tenant && { tenant }), ...(key && { key }) })
    return [{ ...own, through, nobody: one.nobody, side, sharing }]
  })
}

async function listen(
  { story }: Case,
  { at, end, moments }: { at: Databases; end: EndName; moments: Moments },
): Promise<Serving> {
  const poolAs = (role: typeof story.role | 'owner') => {
    const url = end === 'source' ? 'SOURCE_URL' : 'TARGET_URL'
    const pool = new pg.Pool({ connectionString: at.environmentAs(role)[url], max: 6 })
    pool.on('error', () => {})
    return pool
  }
  const [asOwner, asRole] = [poolAs('owner'), poolAs(story.role)]
  let serving: Serving | null = null
  const server = createServer(async (request, response) => {
    await moments.next()
    await serving?.handler?.(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const baseUrl = `http://127.0.0.1:${port}/rehome`
  serving = {
    endpoint: http({ baseUrl, auth: { bearerFrom: 'END_SECRET' }, pageRows: 3 }),
    ...{ handler: null, asOwner, asRole },
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await Promise.all([asOwner.end(), asRole.end()])
    },
  }
  return serving
}

// The small world with one end, or both, over HTTP. What it plans and works on goes that way.
import { type HttpEndpoint, http } from '../../src/plan/endpoint.ts'
import { type PlanInput, table } from '../../src/plan/plan.ts'
import { overHttp, type ServedEnd, type ServeOptions, serveEnd } from './http-end.ts'
import { createWorld, installPlans, type World, type WorldOptions } from './world.ts'

export type EndName = 'source' | 'target'

/** Which ends are over HTTP. */
export const bothEnds: readonly EndName[] = ['source', 'target']
export const mixes: [called: string, over: readonly EndName[]][] = [
  ['the source', ['source']],
  ['the target', ['target']],
  ['both ends', bothEnds],
]

export interface HttpWorld extends World {
  /** Those that are served. */
  readonly ends: Readonly<Partial<Record<EndName, ServedEnd>>>
}

export interface HttpWorldOptions extends WorldOptions {
  readonly over: readonly EndName[]
  readonly serve?: (end: EndName) => ServeOptions
  /** Options of the endpoints in the plan. */
  readonly asking?: Partial<HttpEndpoint>
}

export async function createHttpWorld(options: HttpWorldOptions): Promise<HttpWorld> {
  const { over, serve = () => ({}), asking, ...rest } = options
  const world = await createWorld(rest)
  const ends: Partial<Record<EndName, ServedEnd>> = {}
  for (const name of over) {
    ends[name] = await serveEnd(world[name], { ...servedBy(rest.plan, name), ...serve(name) })
  }
  const endpoints = Object.fromEntries(
    Object.entries(ends).map(([name, end]) => [name, overHttp(world, end, asking)]),
  )
  const plan: World['plan'] = (changes = {}) => {
    return world.plan({ tenants: () => tenantsOf(world), ...endpoints, ...changes })
  }
  // What a database has to log for an end that is asked.
  if (!rest.bare) await installPlans(world, [plan()])
  return {
    ...world,
    ends,
    plan,
    work: (plans = [plan()], environment = {}) => world.work(plans, environment),
    async [Symbol.asyncDispose]() {
      await world[Symbol.asyncDispose]()
      for (const end of Object.values(ends)) await end[Symbol.asyncDispose]()
    },
  }
}

/** The plan's tables for an end, without transforms. */
function servedBy(plan: Partial<PlanInput> = {}, end: EndName): ServeOptions {
  const { tables, exclude = [] } = plan
  const own = (tables ?? []).flatMap((one) => {
    if (one.kind !== 'table') return []
    const name = end === 'source' ? one.name : (one.to ?? one.name)
    const { tenant, through, nobody, side, sharing } = one
    return [{ ...table(name, tenant ? { tenant } : {}), through, nobody, side, sharing }]
  })
  return { exclude: end === 'source' ? exclude : [], ...(own.length > 0 && { tables: own }) }
}

/** Tenants that a query would find, if the source were asked by SQL. */
async function* tenantsOf({ source }: World): AsyncGenerator<string> {
  const { rows } = await source.pool.query('select id from tenants order by id')
  for (const { id } of rows) yield id
}

/** The end with other options of access. */
export function endAt({ url }: ServedEnd, changes: Partial<HttpEndpoint>): HttpEndpoint {
  return http({ baseUrl: url, auth: { bearerFrom: 'END_SECRET' }, pageRows: 12, ...changes })
}

/**
 * The server half of the protocol of docs/http.md, for the application at one end of a move: a
 * handler of web-standard requests over its own pool and a list of its tables. Fence, flags and
 * copy are those of a database end; only the way there is another.
 *
 * Every request is authenticated. Names in requests are looked up among the tables that were
 * listed, and rows are chosen by tenant: nothing else can be read or written.
 */

import type { z } from 'zod'
import type { SqlEnd } from '../ends/end.ts'
import type { Flags } from '../ends/flags.ts'
import { changesOperation } from '../ends/http/protocol/feed-operations.ts'
import { flagOperations } from '../ends/http/protocol/flag-operations.ts'
import { type OperationName, operations, pathOf } from '../ends/http/protocol/operations.ts'
import { readOperation } from '../ends/http/protocol/row-operations.ts'
import { flagsAt } from '../ends/postgres/fence/flags-at.ts'
import { bearerChars, bearerToken, type Secret } from '../ends/web/auth.ts'
import { RehomeError } from '../errors.ts'
import { isKeyOf, keysOf } from '../known.ts'
import type { Logger } from '../log.ts'
import { checkPlan } from '../plan/check-plan.ts'
import { postgres } from '../plan/endpoint.ts'
import type { DiscoverTables, Plan, PlanInput, TablePlan } from '../plan/plan.ts'
import { type Pool, toRehomeError } from '../postgres.ts'
import { admit } from './admit.ts'
import { borrowPool } from './borrowed-pool.ts'
import { type Described, describe, descriptionOf } from './described.ts'
import { answerChanges, applyLines, feedHandlers } from './feed-handlers.ts'
import { installAt } from './install.ts'
import { readPage } from './read-page.ts'
import { checked } from './requests.ts'
import { problemResponse, respond } from './responses.ts'
import { type At, rowHandlers } from './row-handlers.ts'
import { routeOf } from './tables.ts'
import { createTidying } from './tidy-logs.ts'
import { writeBatch } from './write-batch.ts'

export interface HttpEndOptions {
  /** The application's. A request uses one of its connections, a move as many as its plan sets. */
  readonly pool: Pool
  /** For flags, so that copies never keep a fence from being renewed. Default: `pool`. */
  readonly flagPool?: Pool
  /** Default `public`. */
  readonly schema?: string
  /** The schemas in which functions of the tables find names without a schema, as in a plan. */
  readonly searchPath?: readonly string[]
  /** Tables to move, as in a plan: `table('notes')`, `table('lines', { through: 'note_id' })`. */
  readonly tables: readonly (TablePlan | DiscoverTables)[]
  /** Tables that stay behind although they touch these. */
  readonly exclude?: PlanInput['exclude']
  /** Default `tenant_id`. */
  readonly tenantColumn?: string
  /** The scope of the plans that come here. Default `default`. */
  readonly scope?: string
  /** At least one. Several, so that they can be exchanged one after the other. */
  readonly auth: {
    readonly bearer?: string | readonly string[]
    readonly hmac?: string | readonly string[]
  }
  /**
   * The guards log changes of tenants that move online, or may be brought back. Default true;
   * false: this end is one of offline moves alone.
   */
  readonly feed?: boolean
  /** The limit of a request, unpacked. Default 64 MiB. */
  readonly maxBytes?: number
  /**
   * Where workers reach the end, for signatures. Needed where something in between changes the host
   * or the path of requests. Default: as they arrive.
   */
  readonly baseUrl?: string
  /** Told of requests that fail. */
  readonly log?: Pick<Logger, 'warn'>
}

export interface HttpEndServer {
  /** Answers every request; never rejects. */
  handle(request: Request): Promise<Response>
  /** Installs or upgrades flags and guards, and returns what was missing. Repeatable. */
  install(): Promise<string[]>
}

const secretMin = 16
const flagAnswerMs = 2_000

/** The time that the caller waits for the answer, in ms. 0: unknown. */
function answerMsOf(headers: Headers): number {
  const text = headers.get('rehome-timeout-ms') ?? ''
  return /^\d{1,7}$/.test(text) ? Number(text) : 0
}

/** Throws USAGE or PLAN_INVALID for options that cannot be meant. */
export function createHttpEnd(options: HttpEndOptions): HttpEndServer {
  const secrets = secretsOf(options.auth)
  const schema = options.schema ?? 'public'
  const plan = planOf(options, schema)
  const own = borrowPool(options.pool, { answerMs: 0 })
  const { feed = true, maxBytes = 64 * 1024 * 1024, log } = options
  const look = remembered(() => describe(plan, own, { schema, feed, maxBytes }))
  const at = ({ headers }: Request): SqlEnd => {
    const name = headers.get('rehome-end') === 'source' ? 'source' : 'target'
    const pool = borrowPool(options.pool, { answerMs: answerMsOf(headers) })
    const forFlags = { answerMs: flagAnswerMs }
    const flagPool = borrowPool(options.flagPool ?? options.pool, forFlags)
    const flags = flagsAt(flagPool)
    const where = { address: 'this end', place: 'this end' }
    return {
      name,
      schema,
      searchPath: options.searchPath,
      ...where,
      pool,
      lifeline: flagPool,
      flags,
    }
  }
  const baseUrl = options.baseUrl === undefined ? undefined : urlOf(options.baseUrl)
  const tidy = createTidying(own, log)
  return {
    install: () => installAt(own, look.now),
    async handle(request) {
      try {
        const admitted = await admit(request, { secrets, maxBytes, baseUrl })
        if (feed && admitted.path === pathOf('lapsedFences')) tidy()
        const call = { ...admitted, end: at(request), scope: plan.scope, look, feed }
        const answer = await answerTo(call)
        return await respond(request, answer)
      } catch (cause) {
        const error = toRehomeError(cause, 'the database')
        log?.warn({ err: error, path: new URL(request.url).pathname }, 'request refused')
        return problemResponse(error)
      }
    },
  }
}

interface Asked {
  readonly path: string
  readonly body: string
  readonly end: SqlEnd
  readonly scope: string
  readonly look: Look
  readonly feed: boolean
}

/** The body of a successful answer. */
async function answerTo({ path, body, end, scope, look, feed }: Asked): Promise<string> {
  if (path === 'v1') return JSON.stringify(descriptionOf(await look.now()))
  const name = names.get(path)
  if (!feed) refuseFollowing(path, name)
  if (name && isKeyOf(flagOperations, name)) {
    return JSON.stringify(await flagAnswer(end, name, { body, scope, feed }))
  }
  const { routes, shared, catalog, left } = await look.lately()
  const at = { end, scope, routes, shared, catalog, left }
  if (path === pathOf('write')) {
    return JSON.stringify(await writeBatch({ ...at, mayReplicate: catalog.mayReplicate }, body))
  }
  if (path === pathOf('read')) {
    const request = checked(readOperation.request, body, scope)
    return await readPage(end, routeOf([...routes, ...shared], request.table), request)
  }
  if (path === pathOf('changes')) {
    return await answerChanges(at, checked(changesOperation.request, body, scope))
  }
  if (path === pathOf('apply')) return JSON.stringify(await applyLines(at, body))
  if (!name) throw new RehomeError('USAGE', `there is nothing at ${path}`)
  return JSON.stringify(await rowAnswer(at, name as RowName, body))
}

const following: readonly OperationName[] = [
  'startCapture',
  'fenceCaptured',
  'lowerToCapture',
  'adoptCapture',
  'endCapture',
]

function refuseFollowing(path: string, name: OperationName | undefined): void {
  if (!path.startsWith('v1/feed/') && !(name && following.includes(name))) return
  throw new RehomeError('USAGE', 'this end has no log of changes: it offers no feed')
}

const names = new Map(keysOf(operations).map((name) => [pathOf(name), name]))

type FlagName = keyof typeof flagOperations
const handlers = { ...rowHandlers, ...feedHandlers }
type RowName = keyof typeof handlers

async function flagAnswer(
  { flags }: SqlEnd,
  name: FlagName,
  { body, scope, feed }: { body: string; scope: string; feed: boolean },
): Promise<unknown> {
  const request = requestOf(name, body, scope)
  const { captureMs } = Object(request)
  if (captureMs && !feed) {
    throw new RehomeError('USAGE', 'this end has no log of changes: `captureMs` has to be null')
  }
  // Each operation is called as the transition that it is, and its schema is what that takes.
  const transition = flags[name] as (change: unknown) => ReturnType<Flags[FlagName]>
  const answer = (await transition(request)) ?? null
  // Its flag is another operation.
  return name === 'takeTurn' ? answer !== null : answer
}

function requestOf(name: OperationName, body: string, scope: string): unknown {
  return checked(operations[name].request as z.ZodType, body, scope)
}

async function rowAnswer(at: At, name: RowName, body: string): Promise<unknown> {
  const request = requestOf(name, body, at.scope)
  const handler = handlers[name] as (at: At, request: unknown) => Promise<unknown>
  return await handler(at, request)
}

function secretsOf({ bearer = [], hmac = [] }: HttpEndOptions['auth']): Secret[] {
  const secrets: Secret[] = [
    ...[bearer].flat().map((token) => ({ kind: 'bearer', token }) as const),
    ...[hmac].flat().map((key) => ({ kind: 'hmac', key }) as const),
  ]
  if (secrets.length === 0) {
    throw new RehomeError('USAGE', 'an end over HTTP needs `auth: { bearer }` or `auth: { hmac }`')
  }
  const short = secrets.some((secret) => textOf(secret).length < secretMin)
  if (short) throw new RehomeError('USAGE', `a secret needs at least ${secretMin} characters`)
  const odd = secrets.some(
    ({ kind, ...rest }) => kind === 'bearer' && 'token' in rest && !bearerToken.test(rest.token),
  )
  if (odd) throw new RehomeError('USAGE', `a bearer token is made of ${bearerChars}`)
  return secrets
}

function urlOf(text: string): URL {
  if (URL.canParse(text)) return new URL(text)
  throw new RehomeError('USAGE', `\`baseUrl\` is no URL: ${JSON.stringify(text)}`)
}

function textOf(secret: Secret): string {
  return secret.kind === 'bearer' ? secret.token : secret.key
}

/** From this end to itself: what a plan has of tables is what this end needs. */
function planOf(options: HttpEndOptions, schema: string): Plan {
  const itself = postgres({ urlFrom: 'THIS_END', schema })
  const { tables, exclude, tenantColumn, scope } = options
  const changing = tables.find(
    (entry) => entry.kind === 'table' && (entry.transform || entry.to || entry.sharing?.newIds),
  )
  if (changing?.kind === 'table') {
    const message = `table "${changing.name}": only the plan can change rows`
    throw new RehomeError('USAGE', message)
  }
  return checkPlan({
    name: 'http-end',
    source: itself,
    target: itself,
    tenants: [],
    tables,
    strategy: 'online',
    ...(exclude && { exclude }),
    ...(tenantColumn && { tenantColumn }),
    ...(scope && { scope }),
  })
}

interface Look {
  now(): Promise<Described>
  /** The description at most some seconds ago. */
  lately(): Promise<Described>
}

const rememberedMs = 5_000

function remembered(look: () => Promise<Described>): Look {
  let last: { readonly at: number; readonly found: Promise<Described> } | null = null
  const again = () => {
    const description = look()
    last = { at: performance.now(), found: description }
    description.catch(() => {
      last = null
    })
    return description
  }
  return {
    now: again,
    lately: () => (last && performance.now() - last.at < rememberedMs ? last.found : again()),
  }
}

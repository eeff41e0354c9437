/**
 * The two ends of a plan, as its author writes them. Addresses may stand in a plan, secrets never:
 * only the names of the environment's variables that hold them.
 */

/** The database at one end. The URL itself never stands in a plan: only its variable's name. */
export interface SqlEndpoint {
  readonly kind: 'sql'
  /** Name of the environment variable that holds the `postgres://` URL. */
  readonly urlFrom?: string | undefined
  /**
   * Each tenant has a database of its own, and the function returns its `postgres://` URL. Instead
   * of `urlFrom`.
   */
  readonly url?: UrlOf | undefined
  /** Each tenant is at one of several ends. Instead of both: made from the plan's `ends`. */
  readonly among?: NamedEnds | undefined
  /**
   * The schema of the tables. A function: each tenant has a schema of its own, and the function
   * returns its name. Default `public`.
   */
  readonly schema: string | SchemaOf
  /** Connections that one worker process may hold to one database. Default 8. */
  readonly poolSize: number
  /**
   * Databases to which one worker process keeps idle connections, where `url` is a function. It
   * connects to others as long as they are in use. Default 16.
   */
  readonly databases: number
  /** `off`, `require` (encrypt), `verify` (encrypt and check the certificate). Default `off`. */
  readonly tls: 'off' | 'require' | 'verify'
}

/** Names the schema in which all rows of the planned tables are this tenant's. */
export type SchemaOf = (tenant: string) => string

/** The `postgres://` URL of a tenant's database. Secrets are in the environment. */
export type UrlOf = (tenant: string, environment: NodeJS.ProcessEnv) => string

/** The end at which each tenant is, by its name in the plan's `ends`. */
export interface NamedEnds {
  readonly nameOf: (tenant: string) => string
  readonly ends: Readonly<Record<string, SqlEndpoint>>
}

/** How an end over HTTP is reached. */
interface OverHttp {
  /** The end's address, e.g. `https://app.example/rehome`. Either this or `urlFrom`. */
  readonly baseUrl?: string | undefined
  /** Name of the environment variable that holds it. */
  readonly urlFrom?: string | undefined
  /** Requests that one worker process has under way. Default 8. */
  readonly concurrency: number
  /** Requests that one worker process begins in a second. 0, the default: as many as it can. */
  readonly requestsPerS: number
  /** The limit of one request. Default 30,000. */
  readonly timeoutMs: number
  /** The limit of one answer, unpacked. Default 64 MiB. */
  readonly maxBytes: number
  /** Rows of one page or batch. Default 2,000. */
  readonly pageRows: number
  readonly tls: {
    /** `off`: plain HTTP, also to other machines. Default `verify`. */
    readonly mode: 'verify' | 'off'
    /** Names of the environment variables that hold these, as PEM. */
    readonly caFrom?: string | undefined
    readonly certFrom?: string | undefined
    readonly keyFrom?: string | undefined
  }
}

/** An application at one end that keeps the protocol of docs/http.md. */
export interface HttpEndpoint extends OverHttp {
  readonly kind: 'http'
  readonly auth: HttpAuth
}

/** A request to an existing API. */
export interface ApiRequest {
  /** Default: GET without a body, POST with one. */
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Below the base URL, with its query. */
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as JSON. */
  readonly body?: unknown
}

/** Values as JSON has them, arrays too; int8 and numeric as texts, bytea as `\\x…`. */
export type ApiRow = Readonly<Record<string, unknown>>

/** One table, as an existing API offers it. */
export interface ApiTable {
  /** Column → type, as PostgreSQL calls it: `int8`, `numeric(9,2)`, `jsonb`, `text[]`. */
  readonly columns: Readonly<Record<string, string>>
  /** Columns that tell rows apart. */
  readonly key: string | readonly string[]
  /** Column → the table that it refers to, whose rows have to be there before. */
  readonly references?: Readonly<Record<string, string>>
  /** A page of the tenant's rows, in any order that stays the same while no writes occur. */
  readonly read: (asked: {
    readonly tenant: string
    /** The `next` of the previous answer's `rows`; null: from the beginning. */
    readonly cursor: string | null
    readonly limit: number
  }) => ApiRequest
  /** The rows in the answer's JSON. `next` null or absent: there is no further page. */
  readonly rows: (answer: unknown) => {
    readonly rows: readonly ApiRow[]
    readonly next?: string | null
  }
  /** Rows are there, and those of the same keys replaced, once it is answered. For targets. */
  readonly write?: (asked: {
    readonly tenant: string
    readonly rows: readonly ApiRow[]
  }) => ApiRequest
  /** All rows of the tenant go. For targets, and for the clean-up of sources. */
  readonly remove?: (asked: { readonly tenant: string }) => ApiRequest
}

/** How an existing API keeps a tenant from writing. */
export interface ApiFence {
  /**
   * Closes the tenant for so long, by the API's own clock: repeated while a move lasts. null: until
   * a request to open.
   */
  readonly close: (asked: {
    readonly tenant: string
    readonly forMs: number | null
    readonly retryAfterS: number
  }) => ApiRequest
  readonly open: (asked: { readonly tenant: string }) => ApiRequest
  /** For how long a request that was let in before may go on writing, in ms. Default 5,000. */
  readonly graceMs?: number
}

/** An application with an existing API: the plan has functions that read and write its tables. */
export interface ApiEndpoint extends OverHttp {
  readonly kind: 'api'
  /** Absent: `read` and its like set their own headers. */
  readonly auth?: HttpAuth | undefined
  readonly tables: Readonly<Record<string, ApiTable>>
  readonly fence: ApiFence
}

/** Names of environment variables: a bearer token, or a key to sign requests with. */
export type HttpAuth = { readonly bearerFrom: string } | { readonly hmacFrom: string }

export type Endpoint = SqlEndpoint | HttpEndpoint | ApiEndpoint

/** An end, its name among `ends`, or a function that returns such a name for a tenant. */
export type EndChoice = Endpoint | string | ((tenant: string) => string)

type Reached<E extends OverHttp> = Partial<Omit<OverHttp, 'tls'>> & {
  readonly tls?: Partial<E['tls']>
}

/** Where a database is: one for all tenants, or one for each. */
type Location = { readonly urlFrom: string } | { readonly url: UrlOf }

export function postgres(
  end: Location & Partial<Omit<SqlEndpoint, 'kind' | 'urlFrom' | 'url' | 'among'>>,
): SqlEndpoint {
  return { kind: 'sql', schema: 'public', poolSize: 8, databases: 16, tls: 'off', ...end }
}

export function http(end: Pick<HttpEndpoint, 'auth'> & Reached<HttpEndpoint>): HttpEndpoint {
  return { kind: 'http', ...limits, ...end, tls: { mode: 'verify', ...end.tls } }
}

export function api(
  end: Pick<ApiEndpoint, 'auth' | 'tables' | 'fence'> & Reached<ApiEndpoint>,
): ApiEndpoint {
  return { kind: 'api', ...limits, ...end, tls: { mode: 'verify', ...end.tls } }
}

const limits = {
  concurrency: 8,
  requestsPerS: 0,
  timeoutMs: 30_000,
  maxBytes: 64 * 1024 * 1024,
  pageRows: 2_000,
}

/** Connections, or requests, that one worker process may have open at this end. */
export function connectionsOf(end: Endpoint): number {
  if (end.kind !== 'sql') return end.concurrency
  return Math.min(end.poolSize, ...Object.values(end.among?.ends ?? {}).map(connectionsOf))
}

/** The databases of an end, as the plan has them: several where the tenant decides. */
function databasesOf(end: SqlEndpoint): readonly SqlEndpoint[] {
  return end.among ? Object.values(end.among.ends) : [end]
}

/** Each tenant has a schema of its own there, or some of them have. */
export function hasSchemas(end: Endpoint): boolean {
  return end.kind === 'sql' && databasesOf(end).some(({ schema }) => typeof schema === 'function')
}

/** Each tenant has a schema or a database of its own there, or some of them have. */
export function isOwn(end: Endpoint): boolean {
  return hasSchemas(end) || (end.kind === 'sql' && databasesOf(end).some(({ url }) => url))
}

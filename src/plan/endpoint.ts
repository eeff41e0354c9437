/**
 * The two ends of a plan, as its author writes them. Addresses may stand in a plan, secrets never:
 * only the names of the environment's variables that hold them.
 */

/** The database at one end. The URL itself never stands in a plan: only its variable's name. */
export interface SqlEndpoint {
  readonly kind: 'sql'
  /** Name of the environment variable that holds the `postgres://` URL. */
  readonly urlFrom: string
  /** Default `public`. */
  readonly schema: string
  /** Connections that one worker process may hold. Default 8. */
  readonly poolSize: number
  /** `off`, `require` (encrypt), `verify` (encrypt and check the certificate). Default `off`. */
  readonly tls: 'off' | 'require' | 'verify'
}

/** An application at one end that keeps the protocol of docs/http.md. */
export interface HttpEndpoint {
  readonly kind: 'http'
  /** Of the end, e.g. `https://app.example/rehome`. Either this or `urlFrom`. */
  readonly baseUrl?: string | undefined
  /** Name of the environment variable that holds it. */
  readonly urlFrom?: string | undefined
  readonly auth: HttpAuth
  /** Requests that one worker process has under way. Default 8. */
  readonly concurrency: number
  /** Requests that one worker process begins in a second. 0, the default: as many as it can. */
  readonly requestsPerS: number
  /** Of one request. Default 30,000. */
  readonly timeoutMs: number
  /** Of one answer, unpacked. Default 64 MiB. */
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

/** Names of environment variables: a bearer token, or a key to sign requests with. */
export type HttpAuth = { readonly bearerFrom: string } | { readonly hmacFrom: string }

export type Endpoint = SqlEndpoint | HttpEndpoint

export function postgres(
  end: Pick<SqlEndpoint, 'urlFrom'> & Partial<Omit<SqlEndpoint, 'kind'>>,
): SqlEndpoint {
  return { kind: 'sql', schema: 'public', poolSize: 8, tls: 'off', ...end }
}

export function http(
  end: Pick<HttpEndpoint, 'auth'> &
    Partial<Omit<HttpEndpoint, 'kind' | 'tls'>> & { readonly tls?: Partial<HttpEndpoint['tls']> },
): HttpEndpoint {
  return {
    kind: 'http',
    concurrency: 8,
    requestsPerS: 0,
    timeoutMs: 30_000,
    maxBytes: 64 * 1024 * 1024,
    pageRows: 2_000,
    ...end,
    tls: { mode: 'verify', ...end.tls },
  }
}

/** Connections, or requests, that one worker process may have open at this end. */
export function connectionsOf(end: Endpoint): number {
  return end.kind === 'sql' ? end.poolSize : end.concurrency
}

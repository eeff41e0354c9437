/**
 * What a plan is, as its author writes it: one TypeScript file with a default export.
 *
 * These are the words of the plan, and nothing is looked up or checked here: check-plan.ts holds
 * the rules, routes.ts brings a plan together with what the two databases really contain.
 */
import type { ZodType } from 'zod'
import { RehomeError } from '../errors.ts'
import { literal } from '../quote.ts'

/** A piece of SQL, made by the `sql` tag. It is trusted as the plan file itself is. */
export interface SqlText {
  readonly sql: string
}

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

/** What a transform is given besides the row; the same for every row of one move. */
export interface TransformContext {
  readonly tenantId: string
  readonly scope: string
  readonly planName: string
}

/** null leaves the row out. Keys of the object are the target's columns. */
export type Transform<Row, Out> = (row: Row, context: TransformContext) => Out | null

export interface ColumnChanges {
  /** Source columns that the target does not get. */
  readonly drop?: readonly string[]
  /** Source column → target column. */
  readonly rename?: Readonly<Record<string, string>>
  /** Target column → SQL expression over the source row. */
  readonly compute?: Readonly<Record<string, SqlText>>
}

export interface TableOptions<Row, Out> {
  /** The column that holds the tenant's id. Default: the plan's `tenantColumn`. */
  readonly tenant?: string
  /** Instead of `tenant`: the foreign-key columns that lead to a planned parent table. */
  readonly through?: string | readonly string[]
  /** Columns that tell rows apart. Default: the primary key found in the catalogue. */
  readonly key?: readonly string[]
  /** The target's table. Default: the same name. */
  readonly to?: string
  /** The same two for the target's table, where they differ there. */
  readonly targetTenant?: string
  readonly targetThrough?: string | readonly string[]
  readonly columns?: ColumnChanges
  /** Checked for every row before the transform. */
  readonly row?: ZodType<Row>
  readonly transform?: Transform<Row, Out>
  /**
   * The way back: what the source's row has to be for a row of the target. With it a rollback takes
   * along what was written at the target also where a transform or `columns` lead to it.
   */
  readonly invert?: Transform<Out, Row>
}

export interface TablePlan {
  readonly kind: 'table'
  readonly name: string
  readonly tenant?: string | undefined
  readonly through?: readonly string[] | undefined
  readonly key?: readonly string[] | undefined
  readonly to?: string | undefined
  readonly targetTenant?: string | undefined
  readonly targetThrough?: readonly string[] | undefined
  readonly columns: Required<ColumnChanges>
  readonly row?: ZodType | undefined
  readonly transform?: RowTransformer | undefined
  readonly invert?: RowTransformer | undefined
}

type RowTransformer = Transform<Record<string, unknown>, Record<string, unknown>>

/** "Every table that has this column." Tables named in the plan keep their own settings. */
export interface DiscoverTables {
  readonly kind: 'discover'
  readonly column: string
  readonly exclude: readonly string[]
}

export type TenantSource =
  | readonly string[]
  | SqlText
  | AsyncIterable<string>
  | (() => Iterable<string> | AsyncIterable<string>)

/** What `definePlan` takes. Everything but name, ends, tenants and tables has a default. */
export interface PlanInput {
  /** Letters, digits, `-`, `_`, `.`; at most 64 characters. */
  readonly name: string
  readonly source: Endpoint
  readonly target: Endpoint
  /** The feature or data model that is fenced. Default `default`. */
  readonly scope?: string
  /** A list, an SQL query of one column run at the source, or an (async) iterable. */
  readonly tenants: TenantSource
  readonly tables: readonly (TablePlan | DiscoverTables)[]
  /** Tables that stay behind although they touch planned ones. */
  readonly exclude?: readonly string[]
  /** Default `tenant_id`. */
  readonly tenantColumn?: string
  /**
   * `offline` (default): the tenant is fenced while it is copied. `online`: it goes on writing, and
   * is fenced only for the last changes.
   */
  readonly strategy?: 'offline' | 'online'
  /** Rows that are committed together at the target. Default 50,000. */
  readonly chunkRows?: number
  /** How often a move is tried while its errors may pass. Default 3. */
  readonly attempts?: number
  /** Wait before the second attempt, doubled for each further one up to 60,000. Default 1,000. */
  readonly backoffMs?: number
  /** Moves at once in one worker process. Default 2. */
  readonly concurrency?: number
  readonly fence?: {
    /** After this long without a renewal the first writer opens the fence. Default 10,000. */
    readonly leaseMs?: number
    /** How long to wait for transactions that were already writing. Default 5,000. */
    readonly drainMs?: number
    /** What refused writers are told. Default 5. */
    readonly retryAfterS?: number
  }
  readonly pause?: {
    /**
     * A tenant fenced for longer gets its writes back and the attempt fails. Online it is not even
     * fenced while it is to be expected. Default 120,000, online 1,000.
     */
    readonly budgetMs?: number
    /** How often that is tried, where it is more than `attempts`. Default 5. */
    readonly attempts?: number
  }
  readonly rollback?: {
    /**
     * For how long after the cutover the new home logs the tenant's changes, so that a rollback
     * takes them along. Until then, or `rehome finalize`, the old copy stays. Default 0, online
     * 86,400,000: a day.
     */
    readonly windowMs?: number
    /**
     * How often it is tried, during that window, whether the way back is open: what was written
     * goes to the old copy, all is compared, and it is undone. Default 0: not at all.
     */
    readonly auditEveryMs?: number
  }
}

/** A plan with its defaults filled in. */
export interface Plan {
  readonly name: string
  readonly source: Endpoint
  readonly target: Endpoint
  readonly scope: string
  readonly tenants: TenantSource
  readonly tables: readonly (TablePlan | DiscoverTables)[]
  readonly exclude: readonly string[]
  readonly tenantColumn: string
  readonly strategy: 'offline' | 'online'
  readonly chunkRows: number
  readonly attempts: number
  readonly backoffMs: number
  readonly concurrency: number
  readonly fence: { leaseMs: number; drainMs: number; retryAfterS: number }
  readonly pause: { budgetMs: number; attempts: number }
  readonly rollback: { windowMs: number; auditEveryMs: number }
}

/** The type check of a plan file. Rules are applied when the plan is opened. */
export function definePlan(plan: PlanInput): PlanInput {
  return plan
}

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

/** A table of the plan. `Row` comes from the zod schema or is given: `table<TaskRow>('tasks')`. */
export function table<
  Row extends object = Record<string, unknown>,
  Out extends object = Record<string, unknown>,
>(name: string, options: TableOptions<Row, Out> = {}): TablePlan {
  const { through, targetThrough, columns, row, transform, invert, ...rest } = options
  return {
    ...rest,
    kind: 'table',
    name,
    through: list(through),
    targetThrough: list(targetThrough),
    columns: { drop: [], rename: {}, compute: {}, ...columns },
    row,
    // The row's type is the author's word for what the catalogue delivers.
    transform: transform as TablePlan['transform'],
    invert: invert as TablePlan['invert'],
  }
}

export function discover(
  options: { column?: string; exclude?: readonly string[] } = {},
): DiscoverTables {
  return { kind: 'discover', column: 'tenant_id', exclude: [], ...options }
}

/**
 * SQL in a plan. Interpolated strings and numbers become literals, never identifiers; anything else
 * throws PLAN_INVALID.
 */
export function sql(parts: TemplateStringsArray, ...values: (string | number)[]): SqlText {
  const text = parts.reduce((before, part, i) => `${before}${quoteValue(values[i - 1])}${part}`)
  return { sql: text.trim() }
}

function quoteValue(value: unknown): string {
  if (typeof value === 'string') return literal(value)
  // In parentheses, because two minus signs would begin a comment.
  if (Number.isFinite(value)) return Number(value) < 0 ? `(${value})` : String(value)
  throw new RehomeError('PLAN_INVALID', `sql\`…\` takes texts and numbers, not ${String(value)}`)
}

function list(columns: string | readonly string[] | undefined): readonly string[] | undefined {
  return typeof columns === 'string' ? [columns] : columns
}

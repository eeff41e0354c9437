/**
 * Streams: rows of one table or of any query of the source, each of which becomes none, one or many
 * rows of one or more tables of the target. Where a model differs so much that no table becomes
 * another, they define what becomes of what.
 */
import type { ZodType } from 'zod'
import { RehomeError } from '../errors.ts'
import { literal } from '../quote.ts'
import type { SqlText } from './sql-text.ts'
import type { TransformContext } from './transform-context.ts'

/** A Kysely query, or anything else that compiles to PostgreSQL with `$1`, `$2`. */
export interface Compilable {
  compile(): { readonly sql: string; readonly parameters: readonly unknown[] }
}

/** A query for rows of this tenant alone, which rehome cannot check. */
export type TenantQuery = (tenantId: string) => SqlText | Compilable

/** Rows of the target, by table. */
export type Produced = Readonly<Record<string, object | readonly object[] | null | undefined>>

interface Reads<Row> {
  /** A table that is planned, or a query. */
  readonly from: string | TenantQuery
  /**
   * Tables that its query reads although they are not planned, such as lists that are the same for
   * all tenants: they can be written while a tenant moves.
   */
  readonly alsoReads?: readonly string[]
  /** Columns that tell rows apart, and order them. Default: the table's primary key. */
  readonly key?: string | readonly string[]
  /** Column of the rows → the name in the plan's `newIds` by which it gets another id. */
  readonly newIds?: Readonly<Record<string, string>>
  /** Checked for every row before the transform. */
  readonly row?: ZodType<Row>
  /**
   * How many rows of a tenant may fail that check, or make the transform throw: they are kept in
   * `rehome.quarantine` at the target, and told. Default 0.
   */
  readonly quarantine?: number
}

export interface StreamOptions<Row, Out extends Produced> extends Reads<Row> {
  readonly to: readonly (keyof Out & string)[]
  readonly transform: (row: Row, context: TransformContext) => Out | null
  /**
   * The inverse of a stream from one table into one, each of whose rows becomes one or none: the
   * source's row for one of the target. With it a rollback takes along what was written at the
   * target.
   */
  readonly invert?: (row: RowOf<Out>, context: TransformContext) => object | null
}

type RowOf<Out extends Produced> = Exclude<Out[keyof Out], readonly object[] | null | undefined>

export interface GatherOptions<Row, Out extends Produced> extends Reads<Row> {
  /** Rows that are equal in these columns belong together. The key has to begin with them. */
  readonly by: string | readonly string[]
  readonly to: readonly (keyof Out & string)[]
  /** Transforms rows that belong together, in the order of the key; never an empty list. */
  readonly transform: (rows: readonly Row[], context: TransformContext) => Out | null
}

export interface StreamPlan {
  readonly kind: 'stream'
  readonly name: string
  readonly from: string | TenantQuery
  readonly alsoReads?: readonly string[] | undefined
  readonly key?: readonly string[] | undefined
  /** Empty: each row for itself. */
  readonly by: readonly string[]
  readonly to: readonly string[]
  readonly newIds?: Readonly<Record<string, string>> | undefined
  readonly row?: ZodType | undefined
  readonly quarantine: number
  readonly invert?:
    | ((row: Record<string, unknown>, context: TransformContext) => Record<string, unknown> | null)
    | undefined
  readonly transform: (input: never, context: TransformContext) => Produced | null
}

/** Each row for itself. `stream<IssueRow, { items: Item; tags: Tag[] }>('issues', …)`. */
export function stream<Row extends object, Out extends Produced>(
  name: string,
  options: StreamOptions<Row, Out>,
): StreamPlan {
  const { invert, ...rest } = options
  // What it takes is the author's word for what the transform makes.
  return { ...planOf(name, rest, []), ...(invert && { invert: invert as StreamPlan['invert'] }) }
}

/** Rows that belong together become one document, or several. */
export function gather<Row extends object, Out extends Produced>(
  name: string,
  { by, ...options }: GatherOptions<Row, Out>,
): StreamPlan {
  return planOf(name, options, [by].flat())
}

function planOf(
  name: string,
  options: Omit<Reads<unknown>, 'row'> & Pick<StreamPlan, 'to' | 'transform' | 'row'>,
  by: readonly string[],
): StreamPlan {
  const { key, quarantine = 0, ...rest } = options
  return {
    ...rest,
    kind: 'stream',
    name,
    key: key === undefined ? undefined : [key].flat(),
    by,
    quarantine,
  }
}

/** The query as text, with its values in it. Throws PLAN_INVALID for values of other kinds. */
export function queryText(query: TenantQuery, tenant: string): string {
  const made = query(tenant)
  if ('sql' in made && typeof made.sql === 'string') return made.sql
  const { sql, parameters } = (made as Compilable).compile()
  return sql.replace(quotedOrParameter, (text, number?: string) =>
    number === undefined ? text : valueText(parameters[Number(number) - 1]),
  )
}

/** The query for a tenant that does not exist, to see what columns it has. */
export function queryShape(query: TenantQuery): string {
  return queryText(query, noTenant).replaceAll(literal(noTenant), 'null')
}

const noTenant = 'rehome: a tenant that does not exist'
const quotedOrParameter = /'(?:[^']|'')*'|"(?:[^"]|"")*"|\$(\d+)/g

function valueText(value: unknown): string {
  if (value === null) return 'null'
  if (typeof value === 'string') return literal(value)
  if (value instanceof Date) return literal(value.toISOString())
  if (typeof value === 'number' || typeof value === 'bigint') return literal(String(value))
  if (typeof value === 'boolean') return String(value)
  const message = `a stream's query takes texts, numbers, booleans and dates, not ${typeof value}`
  throw new RehomeError('PLAN_INVALID', message)
}

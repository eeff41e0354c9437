/**
 * Runs the plan's transform over rows. Used twice for each move, from two different readers: by the
 * copy, and by the verification's own second run.
 *
 * The first row's keys decide which target columns are filled; the rest get their defaults, and a
 * later row with other keys is an error, because COPY has one list of columns for all.
 */
import { messageOf, RehomeError } from '../errors.ts'
import { itemAt } from '../known.ts'
import type { CatalogColumn, CatalogTable } from '../plan/catalogs/catalog.ts'
import type { Route } from '../plan/routing/route.ts'
import type { TransformContext } from '../plan/transform-context.ts'
import type { Codec } from '../values/codec.ts'
import { type LazyRow, lazyRowOf, type RowSource, untouched } from '../values/lazy-row.ts'
import { mayBeRounded } from '../values/rounded-numbers.ts'
import { codecFor, encodeField } from '../values/values.ts'

/** A field that is the source's, byte for byte. */
export const unchanged: unique symbol = Symbol('unchanged')

/** A target column's text, null for NULL. */
export type Outcome = string | null | typeof unchanged

export interface TargetField {
  readonly name: string
  readonly codec: Codec
  /** Index of the source column that has the same name and type, or -1. */
  readonly from: number
  /** Index of the source column that has the same name, or -1. */
  readonly named: number
}

export class RowTransform {
  /** Fields that the transform fills; null until a row was let through. */
  fields: readonly TargetField[] | null = null
  /** The names of these; none until then. */
  columns: readonly string[] = []
  /** The names that the transform returned for its first row. */
  private names: readonly string[] = []
  private readonly route: Route
  private readonly context: TransformContext
  private readonly source: RowSource
  private readonly lazy: LazyRow
  private readonly outcomes: Outcome[] = []
  /**
   * The transform is given plain rows, each of its own. null: so it is if it looks at every column
   * of the first row that it lets through, as a spread does.
   */
  plainRows: boolean | null = null

  constructor(route: Route, context: TransformContext, source: RowSource) {
    this.route = route
    this.context = context
    this.source = source
    this.lazy = lazyRowOf(route.columns.map(({ name }) => name))
  }

  /**
   * Transforms the row that the source stands on, by target field; the array is used again for the
   * next. null: the transform leaves the row out. Throws TRANSFORM_FAILED with table, key and
   * column.
   */
  apply(): readonly Outcome[] | null {
    const { route, source } = this
    const row = this.plainRows ? this.lazy.beginRead(source) : this.lazy.begin(source)
    const result = runTransform(route, this.context, { row, source })
    if (result === null) return null
    this.plainRows ??= this.lazy.isAllRead()
    if (!this.fields) {
      this.names = Object.keys(result)
      this.fields = fieldsOf(route, this.names)
      this.columns = this.fields.map(({ name }) => name)
    }
    const { columns } = this
    refuseOtherKeys(route, this.names, { result, source })
    if (result === row) this.lazy.visit(columns, this)
    else for (const [i, column] of columns.entries()) this.settle(result[column], i)
    this.lazy.end()
    return this.outcomes
  }

  /** Settles the outcome of one field. */
  settle(value: unknown, index: number): void {
    const { route, source, lazy } = this
    const field = itemAt(this.fields ?? [], index)
    if (value === untouched && field.from !== -1) {
      this.outcomes[index] = unchanged
      return
    }
    try {
      // Of another type than at the target: it is written anew, as what a transform would see.
      const current = value === untouched ? lazy.original(field.named) : value
      this.outcomes[index] = changeOf(field, current, { lazy, source })
    } catch (error) {
      const message = `${nameOf(route, source)}, column "${field.name}": ${messageOf(error)}`
      throw new RehomeError('TRANSFORM_FAILED', message, { cause: error })
    }
  }
}

function runTransform(
  route: Route,
  context: TransformContext,
  { row, source }: { row: Record<string, unknown>; source: RowSource },
): Record<string, unknown> | null {
  const { transform, plan } = route
  let input: unknown = row
  if (plan.row) {
    const checked = plan.row.safeParse(row)
    if (!checked.success) {
      const issue = checked.error.issues[0]
      const what = `${issue?.path.join('.') || 'row'}: ${issue?.message}`
      throw new RehomeError('TRANSFORM_FAILED', `${nameOf(route, source)}: ${what}`)
    }
    input = checked.data
  }
  try {
    const result = transform?.(input as Record<string, unknown>, context) ?? null
    if (result === null || isPlainRow(result)) return result
  } catch (error) {
    const message = `${nameOf(route, source)}: the transform threw ${messageOf(error)}`
    throw new RehomeError('TRANSFORM_FAILED', message, { cause: error })
  }
  const message = `${nameOf(route, source)}: the transform must return a row or null, at once`
  throw new RehomeError('TRANSFORM_FAILED', message)
}

/** Not a list, and not one that is still to come. */
export function isPlainRow(value: unknown): value is Record<string, unknown> {
  const isObject = typeof value === 'object' && value !== null
  return isObject && !Array.isArray(value) && !(value instanceof Promise)
}

function fieldsOf(route: Route, names: readonly string[]): TargetField[] {
  const written = names.filter((name) => !isGeneratedAtBoth(route, route.target, name))
  return written.map((name) => {
    const column = route.target.columns.find((candidate) => candidate.name === name)
    if (!column || column.generated) throw noColumn(route, name, column)
    const named = route.columns.findIndex((c) => c.name === name)
    const from = route.columns[named]?.typeName === column.typeName ? named : -1
    return { name, codec: codecFor({ name: column.typeName }), from, named }
  })
}

/**
 * Whether each end computes the column by itself. A transform may read it, and returns it with
 * `{ ...row }`; the value is not written.
 */
export function isGeneratedAtBoth(
  { source }: Pick<Route, 'source'>,
  target: CatalogTable,
  name: string,
): boolean {
  return [source, target].every(({ columns }) =>
    columns.some((column) => column.name === name && column.generated),
  )
}

function noColumn(route: Route, name: string, column: CatalogColumn | undefined): RehomeError {
  const why = column ? 'generates itself: drop it in `columns`' : 'does not have'
  const message = `table "${route.source.name}": the transform returns "${name}", which target "${route.target.name}" ${why}`
  return new RehomeError('TRANSFORM_FAILED', message)
}

function refuseOtherKeys(
  route: Route,
  names: readonly string[],
  row: { result: Record<string, unknown>; source: RowSource },
): void {
  const keys = Object.keys(row.result)
  let same = 0
  while (same < keys.length && keys[same] === names[same]) same += 1
  if (same === keys.length && same === names.length) return
  const odd =
    keys.find((key) => !names.includes(key)) ?? names.find((name) => !(name in row.result))
  if (odd === undefined) return
  const message = `${nameOf(route, row.source)}: every row must have the same columns, and this one differs in "${odd}"`
  throw new RehomeError('TRANSFORM_FAILED', message)
}

/** Throws TRANSFORM_FAILED for what the column's type does not hold. */
function changeOf(
  { from, codec }: TargetField,
  value: unknown,
  before: { lazy: LazyRow; source: RowSource },
): Outcome {
  if (from === -1) return encodeField(codec, value)
  const decoded = before.lazy.original(from)
  // The transform can have changed nothing in what is no object.
  if (Object.is(value, decoded) && (typeof value !== 'object' || value === null)) return unchanged
  const original = before.source.text(from)
  if (original === null || value === null) return encodeField(codec, value)
  if (codec.typeName === 'jsonb' && value !== decoded && !mayBeRounded(original)) {
    const text = encodeField(codec, value)
    // PostgreSQL's text of a value is no shorter than JavaScript's: this is no equal value.
    if (text !== null && text.length > original.length) return text
  }
  const text = encodeField(codec, value, original)
  return text === original ? unchanged : text
}

/** The row that the source stands on, as errors name it. */
function nameOf(route: Route, source: RowSource): string {
  const { rename } = route.plan.columns
  const key = route.sourceKey.map((name) => {
    const index = route.columns.findIndex((column) => column.name === (rename[name] ?? name))
    return index === -1 ? '?' : (source.text(index) ?? '?')
  })
  return `table "${route.source.name}", key (${key.join(',')})`
}

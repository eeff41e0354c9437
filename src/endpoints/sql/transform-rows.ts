/**
 * Runs the plan's transform over rows given as PostgreSQL's texts. Used twice for each move, from
 * two different readers: by the copy, and by the verification's own second run.
 *
 * The first row's keys decide which target columns are filled; the rest get their defaults, and a
 * later row with other keys is an error, because COPY has one list of columns for all.
 */
import { messageOf, RehomeError } from '../../errors.ts'
import type { CatalogColumn } from '../../plan/catalog.ts'
import type { TransformContext } from '../../plan/plan.ts'
import type { Route } from '../../plan/routes.ts'
import type { Codec } from './codec.ts'
import { createLazyRow, type LazyRow, type RowSource } from './lazy-row.ts'
import { codecFor, encodeChanged, encodeField } from './values.ts'

/** A field that is the source's, byte for byte. */
export const unchanged: unique symbol = Symbol('unchanged')

/** A target column's text, null for NULL. */
export type Outcome = string | null | typeof unchanged

export interface TargetField {
  readonly name: string
  readonly codec: Codec
  /** Index of the source column that has the same name and type, or -1. */
  readonly from: number
}

export interface RowTransform {
  /** What the transform fills; null until a row was let through. */
  fields(): readonly TargetField[] | null
  /**
   * Of the row that the source stands on, by target field; the array is used again for the next.
   * null: the transform leaves the row out. Throws TRANSFORM_FAILED with table, key and column.
   */
  apply(): readonly Outcome[] | null
}

export function createRowTransform(
  route: Route,
  context: TransformContext,
  source: RowSource,
): RowTransform {
  const lazy = createLazyRow(
    route.columns.map(({ name }) => name),
    source,
  )
  let fields: readonly TargetField[] | null = null
  const outcomes: Outcome[] = []
  const key = () => keyText(route, source)
  const outcomeOf = (field: TargetField, result: Record<string, unknown>) => {
    try {
      return changeOf(field, result[field.name], { lazy, source })
    } catch (error) {
      const where = `table "${route.source.name}", key ${key()}, column "${field.name}"`
      throw new RehomeError('TRANSFORM_FAILED', `${where}: ${messageOf(error)}`, { cause: error })
    }
  }
  return {
    fields: () => fields,
    apply() {
      const row = lazy.begin()
      const result = runTransform(route, context, { row, key })
      const isRow = lazy.isIntact() && result === row
      if (result === null) return null
      fields ??= fieldsOf(route, result)
      refuseOtherKeys(route, fields, { result, key })
      for (let i = 0; i < fields.length; i += 1) {
        const field = fields[i] as TargetField
        const skip = isRow && field.from !== -1 && lazy.isUntouched(field.from)
        outcomes[i] = skip ? unchanged : outcomeOf(field, result)
      }
      return outcomes
    },
  }
}

function runTransform(
  route: Route,
  context: TransformContext,
  { row, key }: { row: Record<string, unknown>; key: () => string },
): Record<string, unknown> | null {
  const { transform, plan, source } = route
  let given: unknown = row
  if (plan.row) {
    const checked = plan.row.safeParse(row)
    if (!checked.success) {
      const issue = checked.error.issues[0]
      const what = `${issue?.path.join('.') || 'row'}: ${issue?.message}`
      throw new RehomeError('TRANSFORM_FAILED', `table "${source.name}", key ${key()}: ${what}`)
    }
    given = checked.data
  }
  try {
    const result = transform?.(given as Record<string, unknown>, context) ?? null
    if (result === null || isPlainRow(result)) return result
  } catch (error) {
    const message = `table "${source.name}", key ${key()}: the transform threw ${messageOf(error)}`
    throw new RehomeError('TRANSFORM_FAILED', message, { cause: error })
  }
  const message = `table "${source.name}", key ${key()}: the transform must return a row or null, at once`
  throw new RehomeError('TRANSFORM_FAILED', message)
}

function isPlainRow(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && !Array.isArray(value) && !(value instanceof Promise)
}

function fieldsOf(route: Route, result: Record<string, unknown>): TargetField[] {
  return Object.keys(result).map((name) => {
    const column = route.target.columns.find((candidate) => candidate.name === name)
    if (!column || column.generated) throw noColumn(route, name, column)
    const from = route.columns.findIndex((c) => c.name === name && c.typeName === column.typeName)
    return { name, codec: codecFor({ name: column.typeName }), from }
  })
}

function noColumn(route: Route, name: string, column: CatalogColumn | undefined): RehomeError {
  const why = column ? 'is generated there' : 'does not exist there'
  const message = `table "${route.source.name}": the transform returns "${name}", which ${why} (target "${route.target.name}")`
  return new RehomeError('TRANSFORM_FAILED', message)
}

function refuseOtherKeys(
  route: Route,
  fields: readonly TargetField[],
  row: { result: Record<string, unknown>; key: () => string },
): void {
  const keys = Object.keys(row.result)
  if (keys.length === fields.length && keys.every((key, i) => key === fields[i]?.name)) return
  if (keys.length === fields.length && fields.every((field) => field.name in row.result)) return
  const odd =
    keys.find((key) => !fields.some((field) => field.name === key)) ??
    fields.find((field) => !(field.name in row.result))?.name
  const message = `table "${route.source.name}", key ${row.key()}: every row must have the same columns, and this one differs in "${odd}"`
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
  if (hasOtherKeys(codec, decoded, value)) return encodeChanged(codec, value, original)
  const text = encodeField(codec, value, original)
  return text === original ? unchanged : text
}

/** A new JSON object with more or fewer keys need not be compared with what it was. */
function hasOtherKeys({ typeName }: Codec, decoded: unknown, value: unknown): boolean {
  if (typeName !== 'jsonb' && typeName !== 'json') return false
  if (!decoded || !value || decoded === value) return false
  if (!isPlainRow(decoded) || !isPlainRow(value)) return false
  return Object.keys(decoded).length !== Object.keys(value).length
}

function keyText(route: Route, source: RowSource): string {
  const { rename } = route.plan.columns
  const key = route.sourceKey.map((name) => {
    const index = route.columns.findIndex((column) => column.name === (rename[name] ?? name))
    return index === -1 ? '?' : (source.text(index) ?? '?')
  })
  return `(${key.join(',')})`
}

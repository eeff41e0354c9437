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
import type { RowMapper } from './copy-table.ts'
import { copyText, readField, splitFields, writeField } from './copy-text.ts'
import { type RowBlock, rowsOf } from './split-rows.ts'
import { codecFor, encodeChanged, encodeField, rowDecoder } from './values.ts'

type Texts = readonly (string | null)[]

export interface RowTransform {
  /** Target columns in the order of the result; null until a row was let through. */
  columns(): readonly string[] | null
  /** null: the transform leaves the row out. Throws TRANSFORM_FAILED with table, key and column. */
  apply(values: Texts): Texts | null
  /** By target column: which source field has its name and type, or -1. */
  sources(): readonly number[]
}

interface Field {
  readonly name: string
  readonly codec: Codec
  /** Index of the source field that has the same name and type. */
  readonly from: number
}

export function createRowTransform(route: Route, context: TransformContext): RowTransform {
  const decode = rowDecoder(
    route.columns.map(({ name, typeName }) => ({ name, type: { name: typeName } })),
  )
  let fields: readonly Field[] | null = null
  const decoded: unknown[] = []
  return {
    columns: () => fields?.map((field) => field.name) ?? null,
    apply(values) {
      const key = () => keyText(route, values)
      const result = runTransform(route, context, decode(values, decoded), key)
      if (result === null) return null
      fields ??= fieldsOf(route, result)
      refuseOtherKeys(route, fields, { result, key })
      const row = { result, values, decoded }
      return fields.map((field) => textOf(route, field, row))
    },
    sources: () => fields?.map((field) => field.from) ?? [],
  }
}

function runTransform(
  route: Route,
  context: TransformContext,
  row: Record<string, unknown>,
  key: () => string,
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

function fieldsOf(route: Route, result: Record<string, unknown>): Field[] {
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
  fields: readonly Field[],
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

interface TransformedRow {
  readonly result: Record<string, unknown>
  readonly values: Texts
  readonly decoded: readonly unknown[]
}

function textOf(route: Route, field: Field, row: TransformedRow): string | null {
  const value = row.result[field.name]
  const original = field.from === -1 ? undefined : (row.values[field.from] ?? null)
  const decoded = row.decoded[field.from]
  // The transform can have changed nothing in what is no object.
  const untouched = typeof value !== 'object' && Object.is(value, decoded)
  if (untouched && typeof original === 'string') return original
  try {
    if (typeof original === 'string' && hasOtherKeys(field.codec, decoded, value)) {
      return encodeChanged(field.codec, value, original)
    }
    return encodeField(field.codec, value, original)
  } catch (error) {
    const where = `table "${route.source.name}", key ${keyText(route, row.values)}, column "${field.name}"`
    throw new RehomeError('TRANSFORM_FAILED', `${where}: ${messageOf(error)}`, { cause: error })
  }
}

/** A new JSON object with more or fewer keys need not be compared with what it was. */
function hasOtherKeys({ typeName }: Codec, decoded: unknown, value: unknown): boolean {
  if (typeName !== 'jsonb' && typeName !== 'json') return false
  if (decoded === value || !isPlainRow(decoded) || !isPlainRow(value)) return false
  return value !== null && Object.keys(decoded ?? {}).length !== Object.keys(value).length
}

function keyText(route: Route, values: Texts): string {
  const { rename } = route.plan.columns
  const key = route.sourceKey.map((name) => {
    const index = route.columns.findIndex((column) => column.name === (rename[name] ?? name))
    return values[index] ?? '?'
  })
  return `(${key.join(',')})`
}

/** The copy's way: lines of the text format in, lines of the text format out. */
export function transformMapper(route: Route, context: TransformContext): RowMapper {
  const rows = createRowTransform(route, context)
  let sources: readonly number[] = []
  const change = (line: string) => {
    const fields = splitFields(line)
    const values = fields.map(readField)
    const result = rows.apply(values)
    if (result === null) return null
    if (sources.length === 0) sources = rows.sources()
    return lineOf(result, { fields, values, sources })
  }
  return {
    format: 'text',
    // Rows as objects take many times their bytes.
    blockBytes: 1 << 16,
    map(block) {
      const lines: string[] = []
      for (const line of linesOf(block)) {
        const changed = change(line)
        if (changed !== null) lines.push(changed)
      }
      const columns = rows.columns()
      if (!columns || lines.length === 0) return null
      return { bytes: Buffer.from(lines.join('')), rows: lines.length, columns }
    },
  }
}

const bytesAtOnce = 1 << 26

/** Without newlines. At once is much quicker, as long as JavaScript can hold all of it. */
function linesOf(block: RowBlock): Iterable<string> {
  if (block.bytes.length <= bytesAtOnce) return copyText(block.bytes).split('\n').slice(0, -1)
  return lineByLine(block)
}

function* lineByLine(block: RowBlock): Generator<string, void, undefined> {
  for (const line of rowsOf(block)) yield copyText(line.subarray(0, -1))
}

interface Before {
  /** As they stand in the source's line. */
  readonly fields: readonly string[]
  readonly values: Texts
  readonly sources: readonly number[]
}

/** What stays as it was is not written anew. */
function lineOf(texts: Texts, { fields, values, sources }: Before): string {
  let line = ''
  for (let i = 0; i < texts.length; i += 1) {
    const text = texts[i] ?? null
    const from = sources[i] ?? -1
    const before = from === -1 || values[from] !== text ? undefined : fields[from]
    line += `${i === 0 ? '' : '\t'}${before ?? writeField(text)}`
  }
  return `${line}\n`
}

/**
 * The rows that a stream makes for one table of the target: of each row of its source, or of each
 * group of rows that belong together.
 *
 * A value that goes out as it came in is written as the very text that came; JSON in which
 * JavaScript has rounded a number is refused.
 */

import type { Texts } from '../ends/tenant-rows.ts'
import { weightOf } from '../ends/weight.ts'
import { messageOf, RehomeError } from '../errors.ts'
import { itemAt } from '../known.ts'
import type { CatalogTable } from '../plan/catalogs/catalog.ts'
import type { Route } from '../plan/routing/route.ts'
import type { Produced, StreamPlan } from '../plan/stream.ts'
import type { TransformContext } from '../plan/transform-context.ts'
import type { Codec } from '../values/codec.ts'
import { mayBeRounded } from '../values/rounded-numbers.ts'
import { codecFor, encodeField } from '../values/values.ts'
import { namedRow } from './source-rows.ts'
import { createQuarantine, type TextMapper } from './text-mapper.ts'
import { isGeneratedAtBoth, isPlainRow } from './transform-rows.ts'

export function mapStream(route: Route, stream: StreamPlan, context: TransformContext): TextMapper {
  const reader = createReader(route, stream)
  const writer = createWriter(route, route.target, stream)
  // A row stays behind as a whole, or not at all.
  const others = stream.quarantine > 0 ? (route.siblings ?? []) : []
  const trials = others
    .filter(({ name }) => name !== route.target.name)
    .map((table) => createWriter(route, table, stream))
  const quarantine = createQuarantine(stream.quarantine)
  let group: GivenRow[] = []
  let weight = 0
  const produce = (rows: readonly GivenRow[]): Texts[] => {
    try {
      const read = rows.map(({ fields }) => reader.read(fields))
      const produced = run(stream, context, read)
      for (const trial of trials) trial.write(produced, read)
      return writer.write(produced, read)
    } catch (error) {
      const failed = inRow(error, route, rows[0]?.asRead ?? [])
      for (const { asRead } of rows) quarantine.add(failed, namedRow(route, asRead))
      return []
    }
  }
  return {
    columns: writer.columns,
    held: () => group.length,
    takeQuarantined: quarantine.take,
    map(rows, asRead = rows) {
      const pairs = rows.map((fields, i) => ({ fields, asRead: asRead[i] ?? fields }))
      if (stream.by.length === 0) return pairs.flatMap((row) => produce([row]))
      const out: Texts[] = []
      for (const row of pairs) {
        const [first] = group
        if (first && !reader.belong(first.fields, row.fields)) {
          out.push(...produce(group))
          group = []
          weight = 0
        }
        group.push(row)
        weight += weightOf(row.fields)
        if (weight > groupWeightMax) throw tooHeavy(route, stream, row)
      }
      return out
    },
    end() {
      const rest = group.length > 0 ? produce(group) : []
      group = []
      return rest
    },
  }
}

/** All rows of a group are given to its transform at once. */
const groupWeightMax = 64 * 1024 * 1024

function tooHeavy(route: Route, { name, by }: StreamPlan, { asRead }: GivenRow): RehomeError {
  const { key } = namedRow(route, asRead)
  const message = `stream "${name}": rows that are equal in (${by.join(', ')}) are larger than 64 MB together, up to key ${key}: gather by more columns, or read fewer`
  return new RehomeError('TRANSFORM_FAILED', message)
}

interface GivenRow {
  readonly fields: Texts
  /** The row before it got new ids. */
  readonly asRead: Texts
}

interface ReadRow {
  readonly row: Record<string, unknown>
  /** Objects that were made of texts, and those texts. */
  readonly texts: ReadonlyMap<unknown, { readonly text: string; readonly typeName: string }>
  /** JSON with numbers that JavaScript has rounded. */
  readonly rounded: readonly string[]
}

function createReader({ columns }: Route, { by, row: schema }: StreamPlan) {
  const codecs = columns.map(({ typeName }) => codecFor({ name: typeName }))
  const gathered = by.map((name) => columns.findIndex((column) => column.name === name))
  return {
    belong: (left: Texts, right: Texts) => gathered.every((i) => left[i] === right[i]),
    read(fields: Texts): ReadRow {
      const texts = new Map<unknown, { text: string; typeName: string }>()
      const rounded: string[] = []
      const row: Record<string, unknown> = {}
      for (const [i, { name }] of columns.entries()) {
        const text = fields[i] ?? null
        const codec = itemAt(codecs, i)
        const value = text === null ? null : codec.decode(text)
        if (text !== null && typeof value === 'object') {
          texts.set(value, { text, typeName: codec.typeName })
        }
        if (text !== null && /^jsonb?$/.test(codec.typeName) && mayBeRounded(text)) {
          rounded.push(text)
        }
        Object.defineProperty(row, name, { value, ...ordinary })
      }
      return { row: checkedBy(schema, row), texts, rounded }
    },
  }
}

const ordinary = { enumerable: true, writable: true, configurable: true }

function checkedBy(
  schema: StreamPlan['row'],
  row: Record<string, unknown>,
): Record<string, unknown> {
  if (!schema) return row
  const checked = schema.safeParse(row)
  if (checked.success) return Object(checked.data)
  const [issue] = checked.error.issues
  throw failed(`${issue?.path.join('.') || 'row'}: ${issue?.message}`)
}

function run(
  stream: StreamPlan,
  context: TransformContext,
  read: readonly ReadRow[],
): Produced | null {
  const rows = read.map(({ row }) => row)
  try {
    // What it takes is its author's word; what it gives is looked at below.
    return stream.transform((stream.by.length > 0 ? rows : rows[0]) as never, context)
  } catch (error) {
    throw failed(`the transform threw ${messageOf(error)}`, error)
  }
}

/** The first row decides which columns are filled; the rest get their defaults. */
function createWriter(route: Route, target: CatalogTable, stream: StreamPlan) {
  let names: readonly string[] = []
  let columns: readonly string[] = []
  let codecs: readonly Codec[] = []
  const begin = (row: Record<string, unknown>) => {
    names = Object.keys(row)
    columns = names.filter((name) => !isGeneratedAtBoth(route, target, name))
    codecs = columns.map((name) => {
      const column = target.columns.find((candidate) => candidate.name === name)
      if (column && !column.generated) return codecFor({ name: column.typeName })
      const why = column ? 'generates itself' : 'does not have'
      throw failed(`it returns "${name}", which target "${target.name}" ${why}`)
    })
  }
  const encode = (row: Record<string, unknown>, read: readonly ReadRow[]): Texts => {
    if (names.length === 0) begin(row)
    refuseOtherColumns(row, names)
    return columns.map((name, i) => {
      try {
        return textOf(itemAt(codecs, i), row[name], read)
      } catch (error) {
        throw failed(`column "${target.name}.${name}": ${messageOf(error)}`, error)
      }
    })
  }
  return {
    columns: () => columns,
    write: (produced: Produced | null, read: readonly ReadRow[]): Texts[] =>
      rowsFor(stream, target.name, produced).map((row) => encode(row, read)),
  }
}

function rowsFor(
  { to }: StreamPlan,
  table: string,
  produced: unknown,
): readonly Record<string, unknown>[] {
  if (produced === null) return []
  if (!isPlainRow(produced))
    throw failed('the transform must return rows by table, or null, at once')
  const unknown = Object.keys(produced).find((name) => !to.includes(name))
  if (unknown !== undefined) throw failed(`it returns rows of "${unknown}", which is not in \`to\``)
  const rows = [produced[table] ?? []].flat()
  if (rows.every(isPlainRow)) return rows
  throw failed(`what it returns for "${table}" is no row, no list of rows and not null`)
}

function refuseOtherColumns(row: Record<string, unknown>, columns: readonly string[]): void {
  const names = Object.keys(row)
  const odd =
    names.find((name) => !columns.includes(name)) ?? columns.find((name) => !(name in row))
  if (odd === undefined) return
  throw failed(`every row of a table must have the same columns, and this one differs in "${odd}"`)
}

function textOf(codec: Codec, value: unknown, read: readonly ReadRow[]): string | null {
  if (value === undefined) throw failed('undefined is no value: use null')
  const own = read.find(({ texts }) => texts.has(value))?.texts.get(value)
  if (own?.typeName === codec.typeName) return encodeField(codec, value, own.text)
  if (typeof value === 'object' && /^jsonb?$/.test(codec.typeName)) {
    for (const text of read.flatMap(({ rounded }) => rounded)) codec.encode(value, text)
  }
  return encodeField(codec, value)
}

function failed(message: string, cause?: unknown): RehomeError {
  return new RehomeError('TRANSFORM_FAILED', message, { cause })
}

function inRow(error: unknown, route: Route, fields: Texts): unknown {
  if (!(error instanceof RehomeError)) return error
  const { key } = namedRow(route, fields)
  const message = `stream "${route.stream?.name}", key ${key}: ${error.message}`
  return new RehomeError(error.code, message, { cause: error })
}

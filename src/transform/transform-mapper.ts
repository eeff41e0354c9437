/**
 * The copy's way through a transform: blocks of rows in, blocks of rows out.
 *
 * Where every type's binary form is known, both are binary, and what the transform leaves alone is
 * copied as bytes. A text that only PostgreSQL can read, such as 'tomorrow', makes this and all
 * later blocks go out as text.
 */

import type { Route } from '../plan/routing/route.ts'
import type { TransformContext } from '../plan/transform-context.ts'
import { type BinaryForm, ByteWriter } from '../values/binary/form.ts'
import { binaryForm } from '../values/binary/forms.ts'
import { BinaryRow } from '../values/binary/row.ts'
import { copyText, readField, splitFields, writeField } from '../values/copy-text.ts'
import type { CopyRows } from '../values/sent-rows.ts'
import type { ChunkedBlock, CopyFormat } from '../values/split-rows.ts'
import { type RowBlock, rowsOf } from '../values/split-rows.ts'
import { TextRow } from '../values/text-row.ts'
import { type Outcome, RowTransform, type TargetField, unchanged } from './transform-rows.ts'

/** Maps a block of rows on its way: unchanged, or through a transform. */
export interface RowMapper {
  /** In which the source is read. */
  readonly format: CopyFormat
  /** About how much is read at once: more costs memory, less costs time. */
  readonly blockBytes: number
  /** null: no row of the block goes on. The columns are the same for every block. */
  map(block: ChunkedBlock): CopyRows | null
}

/** `oneFormat`: all rows have to go out by one COPY, whatever comes. */
export function transformMapper(
  route: Route,
  context: TransformContext,
  { oneFormat }: { oneFormat: boolean },
): RowMapper {
  const forms = route.columns.map(({ typeName }) => binaryForm(typeName))
  const binaryForms = forms.filter((form) => form !== null)
  return binaryForms.length === forms.length && !oneFormat
    ? binaryMapper({ route, context, forms: binaryForms })
    : textMapper(route, context)
}

function textMapper(route: Route, context: TransformContext): RowMapper {
  const row = new TextRow(route.columns, (field) => (field === null ? null : readField(field)))
  const transform = new RowTransform(route, context, row)
  return {
    format: 'text',
    // Rows as objects take many times their bytes.
    blockBytes: 1 << 16,
    map(block) {
      const lines: string[] = []
      for (const line of linesOf(block)) {
        const fields = splitFields(line)
        row.stand(fields)
        const outcomes = transform.apply()
        if (!outcomes) continue
        lines.push(lineOf(transform, outcomes, ({ from }) => fields[from] ?? ''))
      }
      return textRows(transform, lines)
    },
  }
}

interface BinaryMapping {
  readonly route: Route
  readonly context: TransformContext
  /** One for each column. */
  readonly forms: readonly BinaryForm[]
}

function binaryMapper({ route, context, forms }: BinaryMapping): RowMapper {
  const row = new BinaryRow(route.columns, forms)
  const transform = new RowTransform(route, context, row)
  const rowWriter = createRowWriter(row, transform)
  let asText = false
  return {
    format: 'binary',
    blockBytes: 1 << 17,
    map(block) {
      const out = asText ? null : rowWriter(block)
      if (out) return out.rows > 0 ? out : null
      asText = true
      const lines: string[] = []
      for (let i = 0; i < block.rows; i += 1) {
        row.stand(block, i)
        const outcomes = transform.apply()
        if (!outcomes) continue
        lines.push(lineOf(transform, outcomes, ({ from }) => writeField(row.text(from))))
      }
      return textRows(transform, lines)
    },
  }
}

/** Makes blocks of binary rows; null where a field has no binary form that we know. */
function createRowWriter(row: BinaryRow, transform: RowTransform) {
  let forms: readonly (BinaryForm | null)[] | null = null
  return (block: RowBlock): CopyRows | null => {
    const out = new ByteWriter(block.bytes.length + (block.bytes.length >> 2))
    let rows = 0
    for (let i = 0; i < block.rows; i += 1) {
      row.stand(block, i)
      const outcomes = transform.apply()
      if (!outcomes) continue
      const fields = transform.fields ?? []
      forms ??= fields.map(({ codec }) => binaryForm(codec.typeName))
      if (!writeRow(out, row, { outcomes, fields, forms })) return null
      rows += 1
    }
    return { bytes: out.written(), rows, columns: transform.columns, format: 'binary' }
  }
}

interface BinaryResult {
  readonly outcomes: readonly Outcome[]
  readonly fields: readonly TargetField[]
  readonly forms: readonly (BinaryForm | null)[]
}

/** Neighbours that stay as they are are copied at once. */
function writeRow(out: ByteWriter, row: BinaryRow, result: BinaryResult): boolean {
  const { outcomes, fields, forms } = result
  out.int16(fields.length)
  let [start, end] = [0, 0]
  for (let i = 0; i < fields.length; i += 1) {
    const outcome = outcomes[i] ?? null
    if (outcome === unchanged) {
      const from = fields[i]?.from ?? 0
      const begins = row.starts[from] ?? 0
      if (begins !== end) {
        out.copy(row.bytes, start, end)
        start = begins
      }
      end = row.starts[from + 1] ?? 0
      continue
    }
    out.copy(row.bytes, start, end)
    start = end
    const form = forms[i] ?? null
    if (outcome === null) out.int32(-1)
    else if (form === null || !out.field(form, outcome)) return false
  }
  out.copy(row.bytes, start, end)
  return true
}

/** A line of the copy: values that the transform left alone are written by `before`. */
function lineOf(
  transform: RowTransform,
  outcomes: readonly Outcome[],
  before: (field: TargetField) => string,
): string {
  let line = ''
  for (const [i, field] of (transform.fields ?? []).entries()) {
    const outcome = outcomes[i] ?? null
    line += `${i === 0 ? '' : '\t'}${outcome === unchanged ? before(field) : writeField(outcome)}`
  }
  return `${line}\n`
}

function textRows(transform: RowTransform, lines: readonly string[]): CopyRows | null {
  if (lines.length === 0) return null
  const bytes = Buffer.from(lines.join(''))
  return { bytes, rows: lines.length, columns: transform.columns, format: 'text' }
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

/**
 * Arrays: dimensions, whether there are NULLs, the elements' type, for each dimension its length
 * and lower bound, and the elements in order. array_send and array_out in arrayfuncs.c.
 */
import { parse as parseArray } from 'postgres-array'
import { quoted, shapeOf } from '../array-values.ts'
import type { BinaryForm, ByteWriter } from './form.ts'

export function arrayForm(element: BinaryForm): BinaryForm {
  return {
    // No array has arrays as elements.
    oid: 0,
    text: (bytes, start) => arrayText(element, bytes, start),
    write: (text, out) => writeArray(element, text, out),
  }
}

function arrayText(element: BinaryForm, bytes: Buffer, start: number): string {
  const dimensions = bytes.readInt32BE(start)
  if (dimensions === 0) return '{}'
  const lengths: number[] = []
  let bounds = ''
  let plain = true
  for (let i = 0; i < dimensions; i += 1) {
    const length = bytes.readInt32BE(start + 12 + 8 * i)
    const lower = bytes.readInt32BE(start + 16 + 8 * i)
    lengths.push(length)
    bounds += `[${lower}:${lower + length - 1}]`
    plain &&= lower === 1
  }
  let at = start + 12 + 8 * dimensions
  const item = () => {
    const length = bytes.readInt32BE(at)
    at += 4
    if (length === -1) return 'NULL'
    at += length
    return quoted(element.text(bytes, at - length, at))
  }
  const nested = ([length = 0, ...inner]: readonly number[]): string => {
    const one = () => (inner.length === 0 ? item() : nested(inner))
    return `{${Array.from({ length }, one).join(',')}}`
  }
  return `${plain ? '' : `${bounds}=`}${nested(lengths)}`
}

interface Nested extends ReadonlyArray<Nested | string | null> {}

function writeArray(element: BinaryForm, text: string, out: ByteWriter): boolean {
  // Bounds of its own: a transform makes none, and leaves none as they are.
  if (!text.startsWith('{')) return false
  const parsed: Nested = parseArray(text, String)
  const lengths = shapeOf(parsed)
  const items = itemsOf(parsed)
  const empty = lengths.includes(0)
  out.int32(empty ? 0 : lengths.length)
  out.int32(items.includes(null) ? 1 : 0)
  out.int32(element.oid)
  if (empty) return lengths.length === 1
  for (const length of lengths) {
    out.int32(length)
    out.int32(1)
  }
  for (const item of items) {
    if (item === null) out.int32(-1)
    else if (!out.field(element, item)) return false
  }
  // PostgreSQL refuses ragged ones with an error of its own.
  return isRegular(parsed, lengths)
}

function itemsOf(value: Nested): (string | null)[] {
  return value.flatMap((item) => (typeof item === 'object' && item ? itemsOf(item) : [item]))
}

function isRegular(value: Nested[number], [length, ...inner]: readonly number[]): boolean {
  if (length === undefined) return typeof value === 'string' || value === null
  if (typeof value === 'string' || value === null || value.length !== length) return false
  return value.every((item) => isRegular(item, inner))
}

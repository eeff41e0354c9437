/**
 * PostgreSQL's binary form of a value ↔ its text, for the types that most rows are made of. A table
 * with any other type goes through a transform as text.
 *
 * Not here: float4, whose shortest text JavaScript does not make, and what has no binary form that
 * is the same at every server. Lengths are checked where rows are cut.
 */
import { expectHeld, utf8Text } from '../utf8.ts'
import { arrayForm } from './arrays.ts'
import type { BinaryForm, ByteWriter } from './form.ts'
import { instantForms } from './instants.ts'
import { numericForm } from './numeric.ts'

/** null: the type goes as text. `typeName` is a `pg_type.typname`. */
export function binaryForm(typeName: string): BinaryForm | null {
  return forms.get(typeName) ?? null
}

function textForm(oid: number): BinaryForm {
  return {
    oid,
    text: utf8Text,
    write(text, out) {
      out.utf8(text)
      return true
    },
  }
}

/** One byte of version stands before the text. */
const jsonb: BinaryForm = {
  oid: 3802,
  text: (bytes, start, end) => utf8Text(bytes, start + 1, end),
  write(text, out) {
    out.reserve(1)
    out.at = out.bytes.writeUInt8(1, out.at)
    out.utf8(text)
    return true
  },
}

interface IntegerRule {
  readonly oid: number
  readonly min: number
  readonly max: number
  read(bytes: Buffer, start: number): number
  write(value: number, out: ByteWriter): void
}

function integerForm({ oid, min, max, read, write }: IntegerRule): BinaryForm {
  return {
    oid,
    text: (bytes, start) => String(read(bytes, start)),
    value: read,
    write(text, out) {
      const value = /^-?\d{1,10}$/.test(text) ? Number(text) : Number.NaN
      if (!(value >= min && value <= max)) return false
      write(value, out)
      return true
    },
  }
}

const int8: BinaryForm = {
  oid: 20,
  text: (bytes, start) => String(bytes.readBigInt64BE(start)),
  value: (bytes, start) => bytes.readBigInt64BE(start),
  write(text, out) {
    const value = /^-?\d{1,19}$/.test(text) ? BigInt(text) : null
    if (value === null || value !== BigInt.asIntN(64, value)) return false
    out.reserve(8)
    out.at = out.bytes.writeBigInt64BE(value, out.at)
    return true
  },
}

const float8: BinaryForm = {
  oid: 701,
  text(bytes, start) {
    const value = bytes.readDoubleBE(start)
    return Object.is(value, -0) ? '-0' : String(value)
  },
  value: (bytes, start) => bytes.readDoubleBE(start),
  write(text, out) {
    const value = /^\S+$/.test(text) ? Number(text) : Number.NaN
    if (Number.isNaN(value) && text !== 'NaN') return false
    out.reserve(8)
    out.at = out.bytes.writeDoubleBE(value, out.at)
    return true
  },
}

const bool: BinaryForm = {
  oid: 16,
  text: (bytes, start) => (bytes[start] === 1 ? 't' : 'f'),
  value: (bytes, start) => bytes[start] === 1,
  write(text, out) {
    const isTrue = text === 'true' || text === 't'
    out.reserve(1)
    out.at = out.bytes.writeUInt8(isTrue ? 1 : 0, out.at)
    return isTrue || text === 'false' || text === 'f'
  },
}

const bytea: BinaryForm = {
  oid: 17,
  text(bytes, start, end) {
    expectHeld('value', 2 + 2 * (end - start))
    return `\\x${bytes.toString('hex', start, end)}`
  },
  // Not a view: the bytes around it are not the transform's.
  value: (bytes, start, end) => Buffer.from(bytes.subarray(start, end)),
  write(text, out) {
    const length = text.length / 2 - 1
    out.reserve(length)
    out.at += out.bytes.write(text.slice(2), out.at, 'hex')
    return /^\\x(?:[0-9a-f]{2})*$/i.test(text)
  },
}

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

const uuid: BinaryForm = {
  oid: 2950,
  text(bytes, start) {
    const hex = bytes.toString('hex', start, start + 16)
    const [a, b] = [hex.slice(0, 8), hex.slice(8, 12)]
    return `${a}-${b}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
  },
  write(text, out) {
    if (!uuidPattern.test(text)) return false
    out.reserve(16)
    out.at += out.bytes.write(text.replaceAll('-', ''), out.at, 'hex')
    return true
  },
}

const scalars: Readonly<Record<string, BinaryForm>> = {
  bool,
  bytea,
  int8,
  float8,
  uuid,
  jsonb,
  json: textForm(114),
  text: textForm(25),
  varchar: textForm(1043),
  bpchar: textForm(1042),
  numeric: numericForm,
  ...instantForms,
  int2: integerForm({
    oid: 21,
    min: -(2 ** 15),
    max: 2 ** 15 - 1,
    read: (bytes, start) => bytes.readInt16BE(start),
    write: (value, out) => out.int16(value),
  }),
  int4: integerForm({
    oid: 23,
    min: -(2 ** 31),
    max: 2 ** 31 - 1,
    read: (bytes, start) => bytes.readInt32BE(start),
    write: (value, out) => out.int32(value),
  }),
}

const forms: ReadonlyMap<string, BinaryForm> = new Map(
  Object.entries(scalars).flatMap(([name, form]) => [
    [name, form],
    [`_${name}`, arrayForm(form)],
  ]),
)

/**
 * PostgreSQL's text of a value ↔ the JavaScript value that a transform sees, by type.
 *
 * It reads no stream and knows no table: the caller adds tenant, table, key and column to an error.
 * Invariant: what a transform leaves as it was goes out as the very text that came in, byte by byte
 * (microseconds, `1.0`, numbers beyond 2^53, the order of keys), and what PostgreSQL could not
 * store or JavaScript has altered is refused before it is sent.
 *
 * int2 int4 oid float4 float8: number. int8: bigint. bool: boolean. bytea: Buffer. json(b): parsed.
 * Arrays: nested arrays of these, null for NULL. All else, also numeric and dates: PostgreSQL's
 * text, written with the settings of postgres.ts.
 */
import { isDeepStrictEqual } from 'node:util'
import { RehomeError } from '../errors.ts'
import { arrayCodec } from './array-values.ts'
import { type Codec, refused } from './codec.ts'
import { roundedNumbers } from './rounded-numbers.ts'

export interface PgType {
  /** `pg_type.typname`; for a domain that of the type below it. */
  readonly name: string
  /** The name of an array's elements; null: no array. Default: the part after `_` in `name`. */
  readonly elementName?: string | null
}

/**
 * The text of a field for COPY; null is NULL. `original` is the text of the source's field of the
 * same name and type (null: it was NULL), and left out where there is none. A value that equals
 * what the original decodes to, be it the same object or not, gives the original; the order of keys
 * does not count. Throws TRANSFORM_FAILED for what the type does not hold.
 */
export function encodeField(codec: Codec, value: unknown, original?: string | null): string | null {
  return guarded(codec, () => {
    if (typeof original === 'string' && isSame(codec.decode(original), value)) return original
    return value === null ? null : codec.encode(value, original ?? undefined)
  })
}

function guarded<T>(codec: Codec, work: () => T): T {
  try {
    return work()
  } catch (error) {
    // Comparing and writing nested values is recursive, and a string has at most 2^29 characters.
    if (!(error instanceof RangeError)) throw error
    const message = `${codec.typeName}: JavaScript cannot go through the value, ${error.message}`
    throw new RehomeError('TRANSFORM_FAILED', message, { cause: error })
  }
}

function isSame(before: unknown, value: unknown): boolean {
  const isObject = typeof value === 'object' && value !== null
  return isObject ? isDeepStrictEqual(before, value) : Object.is(before, value)
}

export function codecFor(type: PgType): Codec {
  const inferred = type.name.startsWith('_') ? type.name.slice(1) : null
  const element = type.elementName === undefined ? inferred : type.elementName
  // Boxes are divided by semicolons, unlike the elements of every other built-in array.
  if (element === null || element === 'box') return scalars.get(type.name) ?? textCodec(type.name)
  return arrayCodec(type.name, codecFor({ name: element, elementName: null }))
}

interface Rule {
  decode?: (text: string) => unknown
  /** null: the type does not hold it. */
  write: (value: unknown) => string | null
}

/** `takes` is for the error: "int4 takes …". */
function codecOf(typeName: string, takes: string, rule: Rule): Codec {
  return {
    typeName,
    decode: rule.decode ?? ((text) => text),
    encode(value) {
      const text = rule.write(value)
      if (text === null) throw refused(typeName, takes, value)
      return text
    },
  }
}

function integerCodec(typeName: string, min: bigint, max: bigint): Codec {
  const write = (value: unknown) => {
    const integer = integerOf(value)
    return integer !== null && integer >= min && integer <= max ? String(integer) : null
  }
  return codecOf(typeName, `an integer from ${min} to ${max}`, { decode: Number, write })
}

function integerOf(value: unknown): bigint | null {
  if (typeof value === 'bigint') return value
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : null
  return typeof value === 'string' && /^[+-]?\d{1,30}$/.test(value) ? BigInt(value) : null
}

/** Rejects a value that overflows, or underflows to zero: PostgreSQL does, too. */
function floatCodec(typeName: string, round: (value: number) => number): Codec {
  const write = (value: unknown) => {
    if (typeof value !== 'number') return null
    const rounded = round(value)
    if (Number.isFinite(rounded) !== Number.isFinite(value)) return null
    if (rounded === 0 && value !== 0) return null
    return Object.is(value, -0) ? '-0' : String(value)
  }
  return codecOf(typeName, 'a number of its range', { decode: Number, write })
}

const decimal = /^\s*(?:[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|nan|[+-]?inf(?:inity)?)\s*$/i

function numericText(value: unknown): string | null {
  if (typeof value === 'number' || typeof value === 'bigint') return String(value)
  return typeof value === 'string' && decimal.test(value) ? value : null
}

function parseBytea(text: string): Buffer {
  if (text.startsWith('\\x')) return Buffer.from(text.slice(2), 'hex')
  throw new RehomeError('DATABASE_ERROR', 'a bytea is not in hex: set bytea_output to hex')
}

function byteaText(value: unknown): string | null {
  if (!(value instanceof Uint8Array)) return null
  return `\\x${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex')}`
}

function textCodec(typeName: string): Codec {
  return codecOf(typeName, 'a string of whole characters without U+0000', { write: plainText })
}

function plainText(value: unknown): string | null {
  if (typeof value !== 'string' || value.includes('\0')) return null
  return value.isWellFormed() ? value : null
}

/** A Date has milliseconds only and is taken as UTC; a string goes through as it is. */
function dateCodec(typeName: string, format: (date: Date) => string): Codec {
  const write = (value: unknown) => {
    if (!(value instanceof Date)) return plainText(value)
    if (Number.isNaN(value.getTime())) return null
    return value.getUTCFullYear() > 0 ? format(value) : `${format(value)} BC`
  }
  return codecOf(typeName, 'a string or a valid Date', { write })
}

/** Year 0 is 1 BC. The rest of an ISO text has one length, whatever the year. */
function isoDate(date: Date): string {
  const year = date.getUTCFullYear()
  const shown = String(year > 0 ? year : 1 - year).padStart(4, '0')
  return shown + date.toISOString().slice(-20, -14)
}

function isoTime(date: Date): string {
  return `${isoDate(date)} ${date.toISOString().slice(-13, -1)}`
}

/** null is NULL: JSON's own null is kept where it was, and cannot be made. */
function jsonCodec(typeName: 'json' | 'jsonb'): Codec {
  return {
    typeName,
    decode: (text): unknown => JSON.parse(text),
    encode(value, before) {
      checkJson(value, { typeName, rounded: roundedNumbers(before ?? '') })
      const text = JSON.stringify(value)
      // json keeps the escapes of what no text can hold; jsonb resolves them.
      if (typeName === 'json' || !text.includes('\\u')) return text
      if (!/(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f])/.test(text)) return text
      throw refused(typeName, 'strings of whole characters without U+0000', value)
    },
  }
}

/** JSON.stringify would leave out or alter it without a word. */
function checkJson(value: unknown, rules: { typeName: string; rounded: Set<number> }): void {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return
  if (typeof value === 'number' && Number.isFinite(value)) {
    if (!rules.rounded.has(value)) return
    throw refused(rules.typeName, 'numbers that JavaScript did not round', value)
  }
  if (Array.isArray(value)) for (const item of value) checkJson(item, rules)
  else if (isPlain(value)) {
    for (const item of Object.values(value)) if (item !== undefined) checkJson(item, rules)
  } else if (!(value instanceof Date) || Number.isNaN(value.getTime())) {
    throw refused(rules.typeName, 'what JSON can hold', value)
  }
}

function isPlain(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

const scalars: ReadonlyMap<string, Codec> = new Map(
  [
    integerCodec('int2', -(2n ** 15n), 2n ** 15n - 1n),
    integerCodec('int4', -(2n ** 31n), 2n ** 31n - 1n),
    integerCodec('oid', 0n, 2n ** 32n - 1n),
    { ...integerCodec('int8', -(2n ** 63n), 2n ** 63n - 1n), decode: BigInt },
    floatCodec('float4', Math.fround),
    floatCodec('float8', Number),
    codecOf('numeric', 'a number, a bigint or a decimal string', { write: numericText }),
    codecOf('bool', 'true or false', {
      decode: (text) => text === 't' || text === 'true',
      write: (value) => (typeof value === 'boolean' ? String(value) : null),
    }),
    codecOf('bytea', 'a Buffer or Uint8Array', { decode: parseBytea, write: byteaText }),
    jsonCodec('json'),
    jsonCodec('jsonb'),
    dateCodec('date', isoDate),
    dateCodec('timestamp', isoTime),
    dateCodec('timestamptz', (date) => `${isoTime(date)}+00`),
  ].map((codec) => [codec.typeName, codec]),
)

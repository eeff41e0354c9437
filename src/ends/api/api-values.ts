/** Values of an existing API's JSON ↔ PostgreSQL's texts, by the types of the plan. */
import { parse as parseArray } from 'postgres-array'
import { messageOf, RehomeError } from '../../errors.ts'
import type { ApiRow, ApiTable } from '../../plan/endpoint.ts'
import type { Codec } from '../../values/codec.ts'
import { roundedNumbers } from '../../values/rounded-numbers.ts'
import { codecFor, encodeField } from '../../values/values.ts'
import type { Texts } from '../tenant-rows.ts'
import { baseType } from './api-catalog.ts'

/** Throws PROTOCOL_BROKEN where JavaScript would round a number, or it is no JSON. */
export function readJson(text: string, where: string): unknown {
  const [rounded] = roundedNumbers(text)
  if (rounded !== undefined) {
    const message = `${where} answered with a number that JavaScript rounds to ${rounded}: let it send texts`
    throw new RehomeError('PROTOCOL_BROKEN', message)
  }
  try {
    return text === '' ? null : JSON.parse(text)
  } catch {
    throw new RehomeError('PROTOCOL_BROKEN', `${where} answered with what is no JSON`)
  }
}

interface Named {
  readonly name: string
  readonly where: string
}

/** Throws PROTOCOL_BROKEN for what a column's type does not hold. `columns`: in this order. */
export function textsOf(
  row: ApiRow,
  columns: readonly string[],
  { columns: types, name, where }: Pick<ApiTable, 'columns'> & Named,
): Texts {
  return columns.map((column) => {
    const codec = codecFor({ name: baseType(types[column] ?? 'text') })
    try {
      const value = row[column]
      // An array's text passes as it came: JSON within it would lose numbers and the order of keys.
      const text = codec.typeName.startsWith('_') && typeof value === 'string' ? value : undefined
      return encodeField(codec, valueFor(codec, value), text)
    } catch (error) {
      const what = `"${name}.${column}": ${messageOf(error)}`
      throw new RehomeError('PROTOCOL_BROKEN', `${where} answered with ${what}`, { cause: error })
    }
  })
}

/** JSON has no bytes: they come as PostgreSQL writes them, in hex. Arrays may come so, too. */
function valueFor({ typeName, decode }: Codec, value: unknown): unknown {
  if (value === undefined) throw new RehomeError('PROTOCOL_BROKEN', 'no value at all')
  if (typeName === '_bytea') return bytesIn(value)
  const isText = typeName === 'bytea' || typeName.startsWith('_')
  return isText && typeof value === 'string' ? decode(value) : value
}

function bytesIn(value: unknown): unknown {
  if (typeof value === 'string' && value.startsWith('{'))
    return codecFor({ name: '_bytea' }).decode(value)
  if (Array.isArray(value)) return value.map(bytesIn)
  return typeof value === 'string' ? codecFor({ name: 'bytea' }).decode(value) : value
}

/** A row as JSON. Values that JSON cannot hold exactly become texts. */
export function rowOf(
  texts: Texts,
  columns: readonly string[],
  types: ApiTable['columns'],
): Record<string, unknown> {
  return Object.fromEntries(
    columns.map((column, i) => {
      const text = texts[i] ?? null
      const type = baseType(types[column] ?? 'text')
      return [column, text === null ? null : sentValue(type, text)]
    }),
  )
}

const asText = /^(int8|numeric|bytea)$/
/** JSON's own arrays below the first dimension could not be distinguished from PostgreSQL's. */
const isJson = /^_jsonb?$/

function sentValue(type: string, text: string): unknown {
  if (!type.startsWith('_')) return asText.test(type) ? text : jsonOf(type, text)
  // The text alone has bounds other than 1.
  if (isJson.test(type) || text.startsWith('[')) return text
  const element = type.slice(1)
  return parseArray(text, (item) => sentValue(element, item))
}

function jsonOf(type: string, text: string): unknown {
  // Numbers that JavaScript would round are left to the text.
  if (/^jsonb?$/.test(type) && roundedNumbers(text).size > 0) return text
  return codecFor({ name: type }).decode(text)
}

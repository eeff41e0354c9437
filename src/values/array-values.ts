/** PostgreSQL's text of an array ↔ nested arrays of what the elements' codec makes. */
import { parse as parseArray } from 'postgres-array'
import { type Codec, refused } from './codec.ts'

/** Lower bounds other than 1 do not survive a change. */
export function arrayCodec(typeName: string, element: Codec): Codec {
  // JSON has arrays of its own: below the first level they are values.
  const isJson = element.typeName === 'json' || element.typeName === 'jsonb'
  return {
    typeName,
    decode: (text) => parseArray(text, (item) => element.decode(item)),
    encode(value, before = '{}') {
      if (!Array.isArray(value)) throw refused(typeName, 'an array', value)
      if (!isJson) return arrayText(value, element, shapeOf(value))
      const texts: unknown[] = parseArray(before)
      if (texts.some((text) => Array.isArray(text) || text === 'null')) {
        throw refused(typeName, 'no changes beside inner dimensions or JSON nulls', value)
      }
      const encode = (item: unknown) => element.encode(item, texts.join())
      return arrayText(value, { ...element, encode }, [value.length])
    },
  }
}

/** The length of each dimension, by the first element of each. */
export function shapeOf(value: unknown): number[] {
  return Array.isArray(value) ? [value.length, ...shapeOf(value[0])] : []
}

function arrayText(value: unknown, element: Codec, [length, ...shape]: number[]): string {
  if (length === undefined) return value === null ? 'NULL' : quoted(element.encode(value))
  if (Array.isArray(value) && value.length === length) {
    return `{${Array.from(value, (item) => arrayText(item, element, shape)).join(',')}}`
  }
  throw refused(`_${element.typeName}`, 'arrays of one length in each dimension', value)
}

/** Quotes an element so that PostgreSQL reads this very text. */
export function quoted(text: string): string {
  const isBare = text !== '' && !/^null$|[{},"\\ \t\n\v\f\r]/i.test(text)
  return isBare ? text : `"${text.replace(/["\\]/g, '\\$&')}"`
}

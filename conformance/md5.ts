/** The digest of docs/http.md once more, in plain words: what an end's own is held against. */
import { createHash } from 'node:crypto'
import type { Texts } from '../src/ends/tenant-rows.ts'

export const probe = hashOf('rehome ä 1')

/** The text of a composite value of PostgreSQL. */
export function rowText(values: Texts): string {
  return `(${values.map(fieldText).join(',')})`
}

function fieldText(value: string | null): string {
  if (value === null) return ''
  if (value !== '' && !/["\\(), \t\n\v\f\r]/.test(value)) return value
  return `"${value.replace(/["\\]/g, '$&$&')}"`
}

/** Signed, of 64 bits. */
export function hashOf(text: string): bigint {
  return BigInt.asIntN(64, BigInt(`0x${createHash('md5').update(text).digest('hex').slice(0, 16)}`))
}

export function bucketOf(key: Texts): number {
  return Number(hashOf(rowText(key)) & 1023n)
}

export function digestOf(rows: readonly Texts[]): { rows: string; sum: string } {
  const sum = rows.reduce((total, row) => total + hashOf(rowText(row)), 0n)
  return { rows: String(rows.length), sum: String(sum) }
}

/** The text of a value that is cast to `text`, from the text that it is read as. */
export function asText(typeName: string, value: string | null): string | null {
  if (value === null) return null
  if (typeName === 'bool') return value === 't' ? 'true' : 'false'
  if (typeName === 'bpchar') return value.replace(/ +$/, '')
  if (typeName !== 'inet' || value.includes('/')) return value
  return `${value}/${value.includes(':') ? 128 : 32}`
}

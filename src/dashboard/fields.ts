/**
 * Fields of queries and forms. They narrow what a request is about: one that is there and cannot be
 * read is refused, since without it the request would be about more than was meant.
 */
import { RehomeError } from '../errors.ts'

/** Throws USAGE where it has any other field. */
export function refuseOthers(names: Iterable<string>, fields: readonly string[]): void {
  const other = [...names].find((name) => !fields.includes(name))
  if (other === undefined) return
  const allowed = fields.length === 0 ? 'none is known here' : `known are ${fields.join(', ')}`
  throw new RehomeError('USAGE', `unknown field ${JSON.stringify(other)}: ${allowed}`)
}

/** undefined: it is not there. USAGE: it is there more than once. */
export function textIn(query: unknown, name: string): string | undefined {
  const value: unknown = Object(query)[name]
  if (value === undefined || typeof value === 'string') return value
  throw new RehomeError('USAGE', `field "${name}" is given more than once: give it once`)
}

/** Reads what `textIn` does. Throws USAGE also where it is empty. */
export function nameIn(query: unknown, name: string): string | undefined {
  const text = textIn(query, name)
  if (text === '') throw new RehomeError('USAGE', `field "${name}" is empty: leave it out`)
  return text
}

/** undefined: it is not there. USAGE: it is there more than once, or is no whole number. */
export function wholeNumberIn(query: unknown, name: string): number | undefined {
  const text = textIn(query, name)
  if (text === undefined) return undefined
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw new RehomeError('USAGE', `field "${name}" is ${JSON.stringify(text)}: give a whole number`)
}

/** Fields of a form. One of `many` may be there more than once. Throws USAGE. */
export function readForm(
  body: unknown,
  once: readonly string[],
  many: readonly string[] = [],
): URLSearchParams {
  const fields = new URLSearchParams(typeof body === 'string' ? body : '')
  refuseOthers(fields.keys(), [...once, ...many])
  const twice = once.find((name) => fields.getAll(name).length > 1)
  if (twice === undefined) return fields
  throw new RehomeError('USAGE', `field "${twice}" is given more than once: give it once`)
}

/** Whether a box was ticked. USAGE: it is there with another value than `yes`. */
export function isTicked(fields: URLSearchParams, name: string): boolean {
  const value = fields.get(name)
  if (value === null || value === 'yes') return value !== null
  throw new RehomeError('USAGE', `field "${name}" is ${JSON.stringify(value)}: send "yes", or none`)
}

/** One line without what no database can hold. */
export function lineOf(fields: URLSearchParams, name: string, most: number): string {
  const line = (fields.get(name) ?? '').replace(/[\p{Cc}\p{Surrogate}]+/gu, ' ')
  return line.trim().slice(0, most)
}

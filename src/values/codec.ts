/** The interface of every type's codec, and its way to refuse a value. */
import { RehomeError } from '../errors.ts'

export interface Codec {
  readonly typeName: string
  decode(text: string): unknown
  /**
   * Throws TRANSFORM_FAILED for what the type does not hold. `before` is the text that the value
   * was made from, if any: JSON looks there for numbers that JavaScript rounded.
   */
  encode(value: unknown, before?: string): string
}

export function refused(typeName: string, takes: string, value: unknown): RehomeError {
  const message = `${typeName} takes ${takes}, not ${describe(value)}`
  return new RehomeError('TRANSFORM_FAILED', message)
}

function describe(value: unknown): string {
  if (typeof value === 'string') return `the text ${JSON.stringify(value.slice(0, 40))}`
  if (typeof value === 'function' || typeof value === 'symbol') return `a ${typeof value}`
  if (typeof value === 'number' || typeof value === 'bigint') return `the ${typeof value} ${value}`
  if (typeof value !== 'object' || value === null) return String(value)
  if (value instanceof Date && Number.isNaN(value.getTime())) return 'an invalid Date'
  return Array.isArray(value) ? 'an array' : `an object (${value.constructor?.name ?? 'no class'})`
}

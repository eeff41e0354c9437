/** Pieces of SQL in a plan. */
import { RehomeError } from '../errors.ts'
import { literal } from '../quote.ts'

/** A piece of SQL, made by the `sql` tag. It is trusted as the plan file itself is. */
export interface SqlText {
  readonly sql: string
}

export function isSql(value: object): value is SqlText {
  return 'sql' in value
}

/**
 * SQL in a plan. Interpolated strings and numbers become literals, never identifiers; anything else
 * throws PLAN_INVALID.
 */
export function sql(parts: TemplateStringsArray, ...values: (string | number)[]): SqlText {
  const text = parts.reduce((before, part, i) => `${before}${quoteValue(values[i - 1])}${part}`)
  return { sql: text.trim() }
}

function quoteValue(value: unknown): string {
  if (typeof value === 'string') return literal(value)
  // In parentheses, because two minus signs would begin a comment.
  if (Number.isFinite(value)) return Number(value) < 0 ? `(${value})` : String(value)
  throw new RehomeError('PLAN_INVALID', `sql\`…\` takes texts and numbers, not ${String(value)}`)
}

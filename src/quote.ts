/**
 * The only way a name or a value becomes part of an SQL text. Pure.
 *
 * A NUL would end the text on its way to the server: a text with one is refused (UNEXPECTED).
 */
import { RehomeError } from './errors.ts'

/** A name as SQL: always quoted, so that case, blanks and quotes survive. */
export function ident(name: string): string {
  return `"${withoutNul(name).replaceAll('"', '""')}"`
}

export function idents(names: readonly string[]): string {
  return names.map(ident).join(', ')
}

export function qualified(schema: string, name: string): string {
  return `${ident(schema)}.${ident(name)}`
}

/** A text as an SQL literal that means the same whatever `standard_conforming_strings` is. */
export function literal(value: string): string {
  const quoted = `'${withoutNul(value).replaceAll("'", "''")}'`
  return value.includes('\\') ? ` E${quoted.replaceAll('\\', '\\\\')}` : quoted
}

/** `-c name=value` for libpq's `options`, where white space divides and a backslash escapes. */
export function startupOption(name: string, value: string): string {
  return `-c ${name}=${withoutNul(value).replace(/[\\ \t\n\v\f\r]/g, '\\$&')}`
}

/** A text as one word of a POSIX shell. */
export function shellWord(text: string): string {
  return /^[\w.@%+:,/=-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}

function withoutNul(text: string): string {
  if (!text.includes('\0')) return text
  throw new RehomeError(
    'UNEXPECTED',
    `${JSON.stringify(text)} contains a NUL, which SQL cannot express`,
  )
}

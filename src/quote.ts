/** The only way a name or a value becomes part of an SQL text. Pure. */

/** A name as SQL: always quoted, so that case, blanks and quotes survive. */
export function ident(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

export function idents(names: readonly string[]): string {
  return names.map(ident).join(', ')
}

export function qualified(schema: string, name: string): string {
  return `${ident(schema)}.${ident(name)}`
}

/** A text as an SQL literal that means the same whatever `standard_conforming_strings` says. */
export function literal(value: string): string {
  const quoted = `'${value.replaceAll("'", "''")}'`
  return value.includes('\\') ? ` E${quoted.replaceAll('\\', '\\\\')}` : quoted
}

/** `-c name=value` for libpq's `options`, where blanks and backslashes are escaped. */
export function startupOption(name: string, value: string): string {
  return `-c ${name}=${value.replace(/[\\ ]/g, '\\$&')}`
}

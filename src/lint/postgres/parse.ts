/**
 * Statements of an SQL text with their places, by PostgreSQL's own parser.
 *
 * The parser is WebAssembly of 1.7 MB: it is loaded by the first text, so that commands that parse
 * nothing do not load it.
 */
import type * as Parser from 'libpg-query'
import type { Node } from 'libpg-query'
import { blank } from '../quoted-sql.ts'

export interface Statement {
  readonly node: Node
  readonly text: string
  /** Line and column of its first word, from 1. */
  readonly line: number
  readonly column: number
  /** Line of its last character. */
  readonly endLine: number
}

export interface Comment {
  readonly text: string
  readonly line: number
}

export interface SyntaxFault {
  readonly message: string
  readonly line: number
  readonly column: number
}

export interface Parsed {
  readonly statements: readonly Statement[]
  readonly comments: readonly Comment[]
  /** Set: the text has no statements, because PostgreSQL does not understand it. */
  readonly fault?: SyntaxFault
}

let loaded: Promise<typeof Parser> | undefined

export async function loadParser(): Promise<typeof Parser> {
  loaded ??= import('libpg-query').then(async (parser) => {
    await parser.loadModule()
    return parser
  })
  return await loaded
}

export function parseSql(parser: typeof Parser, text: string): Parsed {
  const sql = readable(text)
  const at = places(sql)
  const nul = sql.indexOf('\0')
  if (nul >= 0) {
    const message = 'it has a NUL character: it is no text of UTF-8'
    return { ...nothing, fault: { message, ...at(Buffer.byteLength(sql.slice(0, nul))) } }
  }
  if (sql.trim() === '') return nothing
  try {
    const bytes = Buffer.from(sql)
    const statements = (parser.parseSync(sql).stmts ?? []).flatMap((raw) => {
      const { stmt, stmt_location: start = 0, stmt_len: length } = raw
      if (!stmt) return []
      const end = length ? start + length : bytes.length
      const text = bytes.subarray(start, end).toString()
      const skipped = Buffer.byteLength(text) - Buffer.byteLength(withoutLead(text))
      const own = withoutLead(text).trimEnd()
      const from = start + skipped
      const last = from + Math.max(0, Buffer.byteLength(own) - 1)
      return [{ node: stmt, text: own, ...at(from), endLine: at(last).line }]
    })
    return { statements, comments: commentsIn(parser, sql, at) }
  } catch (error) {
    return { ...nothing, fault: faultOf(parser, error, { sql, at }) }
  }
}

const nothing: Parsed = { statements: [], comments: [] }

/**
 * Parses what other programs fill in before it reaches the server: variables of psql, bindings of
 * drivers. The statements are for reading only.
 */
export function parseUnbound(parser: typeof Parser, text: string): Parsed {
  const parsed = parseSql(parser, text)
  if (!parsed.fault) return parsed
  const bound = parseSql(parser, withBindings(text))
  return bound.fault ? parsed : bound
}

/** Replaces `:name`, `:'text'`, `:"name"`, `?`, `??`, and `\gset` by SQL of the same length. */
function withBindings(text: string): string {
  return text
    .replace(/(?<![:\w]):(?=(['"])[^'"\n]*\1)/g, ' ')
    .replace(
      /([=<>(,]\s*):[a-z_](\w*)(?![\w:])/gi,
      (_, before, name) => `${before}$1${blank(name)}`,
    )
    .replace(/(?<![:\w\]]):([a-z_]\w*)(:?)/gi, (_, name, colon) => ` ${name}${blank(colon)}`)
    .replace(/\?\?/g, '__')
    .replace(/\?/g, '0')
    .replace(/\\g\w*[^\n]*/g, (command) => `;${blank(command.slice(1))}`)
}

/** White space and comments before the first word. */
function withoutLead(text: string): string {
  return text.replace(/^(?:\s+|--[^\n]*(?:\n|$)|\/\*(?:(?!\*\/)[\s\S])*\*\/)+/, '')
}

const copiedRows =
  /^([ \t]*copy\b[^;]*?\bfrom\s+stdin\b[^;\n]*;[^\n]*\n)([\s\S]*?^\\\.[ \t\r]*$)/gim

/**
 * Replaces what tools read themselves by SQL of the same length: `${placeholders}` of Flyway, the
 * commands of psql, which begin with a backslash, and rows behind COPY.
 */
function readable(text: string): string {
  return text
    .replace(copiedRows, (_, copy: string, rows: string) => copy + blank(rows))
    .replace(/^\uFEFF/, ' ')
    .replace(/\$\{(\w[\w.:-]*)\}/g, (_, name: string) => `__${name.replace(/\W/g, '_')}_`)
    .replace(/^\\[^\n]*/gm, (line) => `--${line.slice(2)}`)
}

type Places = (offset: number) => { line: number; column: number }

/** Offsets are bytes of UTF-8. */
function places(sql: string): Places {
  const bytes = Buffer.from(sql)
  const starts = [0]
  for (let i = bytes.indexOf(10); i >= 0; i = bytes.indexOf(10, i + 1)) starts.push(i + 1)
  return (offset) => {
    let [line, after] = [1, starts.length + 1]
    while (after - line > 1) {
      const middle = (line + after) >> 1
      if ((starts[middle - 1] ?? 0) <= offset) line = middle
      else after = middle
    }
    const start = starts[line - 1] ?? 0
    return { line, column: bytes.subarray(start, offset).toString().length + 1 }
  }
}

function commentsIn(parser: typeof Parser, sql: string, at: Places): Comment[] {
  return parser
    .scanSync(sql)
    .tokens.filter(({ tokenName }) => /COMMENT$/.test(tokenName))
    .map(({ text, start }) => ({ text, line: at(start).line }))
}

function faultOf(
  parser: typeof Parser,
  error: unknown,
  { sql, at }: { sql: string; at: Places },
): SyntaxFault {
  const message = error instanceof Error ? error.message : String(error)
  const position = parser.hasSqlDetails(error) ? error.sqlDetails?.cursorPosition : undefined
  const offset = Buffer.byteLength([...sql].slice(0, position ?? 0).join(''))
  return { message, ...at(offset) }
}

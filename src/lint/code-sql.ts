/**
 * SQL within migrations that are programs: templates with the tag `sql`, arguments of `raw` and
 * `execute`, heredocs of Ruby. Everything else becomes blanks, so that lines and columns stay.
 */
import {
  blank,
  endOfBraces,
  hasInterpolation,
  quotedText,
  withoutInterpolations,
} from './quoted-sql.ts'
import type { SqlPart } from './source-file.ts'

export interface CodeSql {
  readonly parts: readonly SqlPart[]
  /** Lines on which a schema builder is called, or SQL is run that stands elsewhere. */
  readonly builderLines: readonly number[]
}

/** Beginnings of statements; a template such as sql`now()` is a part of another statement. */
const statement =
  /^\s*(?:--|\/\*|alter|create|drop|truncate|update|delete|insert|merge|reindex|cluster|vacuum|refresh|lock|set|begin|commit|do|comment|grant|revoke|copy|with|rename|optimize)\b/i

const scriptSql =
  /\bsql(?:<[^>`]*>)?(?:\.raw)?\s*\(?\s*`|\.(?:raw|query|execute|unsafe|runSql)\s*\(\s*(['"`])/g
const scriptBuilders =
  /\.(?:(?:add|alter|change|create|drop|remove|rename)(?:Table|Column|Columns|Index|Indices|Constraint|\w*Key|Check|Type|View|Schema|Enum))\s*\(|\bschema\s*\.\s*table\s*\(|(?<!\bsql)\.(?:raw|query|unsafe|runSql)\s*\(\s*(?!['"`])[\w(]/g

export function sqlInScript(text: string): CodeSql {
  const own = withoutDown(
    withoutScriptComments(text),
    /\b(?:function\s+down\b|exports\.down\b|async\s+down\s*\(|\bdown\s*[:=])/,
  )
  const parts = [...own.matchAll(scriptSql)].flatMap(({ 0: opening, 1: quote = '`', index }) => {
    const start = index + opening.length
    return partOf(own, start, quotedText(own, start, quote))
  })
  return { parts, builderLines: builderLines(text, own, scriptBuilders) }
}

const scriptTokens =
  /\/\/[^\n]*|\/\*[\s\S]*?\*\/|'(?:[^'\\\n]|\\[\s\S])*'|"(?:[^"\\\n]|\\[\s\S])*"|`(?:[^`\\]|\\[\s\S])*`/g

function withoutScriptComments(text: string): string {
  return text.replace(scriptTokens, (token) => (token.startsWith('/') ? blank(token) : token))
}

const rubyBuilders =
  /^\s*(?:add_|remove_|rename_|change_|create_table|drop_table|create_join_table|validate_|disable_extension|enable_extension)\w*|\bexecute[ (]+(?!["'%]|<<)[\w(]/gm
const rubyQuoted = /\bexecute[ (]+(?:%[qQ]?([[({])|(["']))/g
const rubyHeredoc = /<<[~-]?(['"]?)(\w+)\1[^\n]*\n([\s\S]*?)^[ \t]*\2\b/gm

export function sqlInRuby(text: string): CodeSql {
  const own = withoutDown(
    withoutReversed(text.replace(/^[ \t]*#(?!\{).*$/gm, blank)),
    /^\s*def\s+(?:self\.)?down\b/m,
  )
  const heredocs = [...own.matchAll(rubyHeredoc)].map(({ 0: whole, 3: sql = '', index }) => {
    return { start: index + whole.indexOf('\n') + 1, sql }
  })
  const quoted = [...own.matchAll(rubyQuoted)].map(({ 0: opening, 1: open, 2: quote, index }) => {
    const start = index + opening.length
    if (open === undefined) return { start, sql: quotedText(own, start, quote ?? '"') }
    const pair = open === '[' ? '[]' : open === '(' ? '()' : '{}'
    return { start, sql: own.slice(start, endOfBraces(own, start, pair)) }
  })
  const inOrder = [...heredocs, ...quoted].sort((left, right) => left.start - right.start)
  const parts = inOrder.flatMap(({ start, sql }) => partOf(own, start, sql))
  return { parts, builderLines: builderLines(text, own, rubyBuilders) }
}

/** Without what `reversible` runs to undo a migration. */
function withoutReversed(text: string): string {
  return text
    .replace(/^([ \t]*)\w+\.down\s+do\b[\s\S]*?\n\1end\b/gm, blank)
    .replace(/\b\w+\.down\s*\{[^\n]*?\}\s*$/gm, blank)
}

function withoutDown(text: string, down: RegExp): string {
  const from = text.search(down)
  if (from < 0) return text
  const up = text
    .slice(from + 1)
    .search(/\b(?:function\s+up\b|exports\.up\b|async\s+up\s*\(|def\s+(?:self\.)?up\b)/)
  const to = up < 0 ? text.length : from + 1 + up
  return text.slice(0, from) + blank(text.slice(from, to)) + text.slice(to)
}

function partOf(text: string, start: number, sql: string): SqlPart[] {
  if (!statement.test(sql)) return []
  const own = blank(text.slice(0, start)) + withoutInterpolations(sql)
  return [{ sql: own, isBuilt: hasInterpolation(sql) }]
}

const allowed = /(?:\/\/|#|--|\/\*)\s*rehome:allow\s+builder-call[ \t]+\w/

/** A comment anywhere in the file accepts its calls. */
function builderLines(text: string, own: string, pattern: RegExp): number[] {
  const [first] = allowed.test(text) ? [] : own.matchAll(pattern)
  return first ? [own.slice(0, first.index).split('\n').length + leadingFeeds(first[0])] : []
}

function leadingFeeds(text: string): number {
  return (/^\s*/.exec(text)?.[0] ?? '').split('\n').length - 1
}

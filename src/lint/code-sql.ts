/**
 * SQL within migrations that are programs: templates with the tag `sql`, arguments of `raw` and
 * `execute`, heredocs of Ruby. Everything else becomes blanks, so that lines and columns stay.
 */

export interface CodeSql {
  readonly parts: readonly string[]
  /** Lines on which a schema builder is called. */
  readonly builderLines: readonly number[]
}

/** Beginnings of statements; a template such as sql`now()` is a part of another statement. */
const statement =
  /^\s*(?:--|\/\*|alter|create|drop|truncate|update|delete|insert|reindex|cluster|vacuum|refresh|lock|set|begin|commit|do|comment|grant|revoke|copy|with|rename|optimize)\b/i

const scriptSql =
  /\bsql(?:<[^>`]*>)?(?:\.raw)?\s*\(?\s*`|\.(?:raw|query|execute|unsafe|runSql)\s*\(\s*(['"`])/g
const scriptBuilders =
  /\.(?:alterTable|createTable|dropTable|renameTable|createIndex|dropIndex|dropColumn|renameColumn)\s*\(|\bschema\s*\.\s*table\s*\(/g

export function sqlInScript(text: string): CodeSql {
  const own = withoutDown(
    text,
    /\b(?:function\s+down\b|exports\.down\b|async\s+down\s*\(|\bdown\s*[:=])/,
  )
  const parts = [...own.matchAll(scriptSql)].flatMap(({ 0: opening, 1: quote = '`', index }) => {
    const start = index + opening.length
    const end = endOfQuoted(own, start, quote)
    return partOf(own, { start, end })
  })
  return { parts, builderLines: linesOf(own, scriptBuilders) }
}

const rubyBuilders =
  /^\s*(?:add_|remove_|rename_|change_|create_table|drop_table|create_join_table|validate_|disable_extension|enable_extension)\w*/gm

export function sqlInRuby(text: string): CodeSql {
  const own = withoutDown(text, /^\s*def\s+(?:self\.)?down\b/m)
  const heredocs = [...own.matchAll(/<<[~-]?(['"]?)(\w+)\1[^\n]*\n([\s\S]*?)^[ \t]*\2\b/gm)]
  const quoted = [...own.matchAll(/\bexecute[ (]+(["'])/g)]
  const parts = [
    ...heredocs.flatMap(({ 0: whole, 3: body = '', index }) => {
      const start = index + whole.indexOf('\n') + 1
      return partOf(own, { start, end: start + body.length })
    }),
    ...quoted.flatMap(({ 0: opening, 1: quote = '"', index }) => {
      const start = index + opening.length
      return partOf(own, { start, end: endOfQuoted(own, start, quote) })
    }),
  ]
  return { parts, builderLines: linesOf(own, rubyBuilders) }
}

/** Blanks with the same line feeds. */
export function blank(text: string): string {
  return text.replace(/[^\n]/g, ' ')
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

function partOf(text: string, { start, end }: { start: number; end: number }): string[] {
  const sql = text.slice(start, end)
  if (!statement.test(sql)) return []
  return [blank(text.slice(0, start)) + withoutInterpolations(sql)]
}

/** An interpolated value is a name of the same length. */
function withoutInterpolations(sql: string): string {
  return sql.replace(/[$#]\{(?:[^{}]|\{[^{}]*\})*\}/g, (whole) =>
    whole.replace(/[^\n]/g, (_, i) => (i < whole.length && !whole.includes('\n') ? 'p' : ' ')),
  )
}

function endOfQuoted(text: string, start: number, quote: string): number {
  for (let i = start; i < text.length; i += 1) {
    if (text[i] === '\\') i += 1
    else if (quote === '`' && text.startsWith('${', i)) i = endOfInterpolation(text, i + 2)
    else if (text[i] === quote) return i
  }
  return text.length
}

function endOfInterpolation(text: string, start: number): number {
  let depth = 1
  for (let i = start; i < text.length; i += 1) {
    if (text[i] === '{') depth += 1
    else if (text[i] === '}') depth -= 1
    if (depth === 0) return i
  }
  return text.length
}

function linesOf(text: string, pattern: RegExp): number[] {
  const [first] = text.matchAll(pattern)
  return first ? [text.slice(0, first.index).split('\n').length + leadingFeeds(first[0])] : []
}

function leadingFeeds(text: string): number {
  return (/^\s*/.exec(text)?.[0] ?? '').split('\n').length - 1
}

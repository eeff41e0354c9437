/**
 * Splits SQL of MySQL into statements and tokens. It never fails: what no rule knows is kept as it
 * is. Comments that begin with an exclamation mark are SQL to the server, and so are they here.
 */

export interface Token {
  readonly kind: 'word' | 'name' | 'text' | 'symbol'
  /** A name without its quotes; a word as it was written. */
  readonly text: string
  readonly start: number
  readonly end: number
}

export interface MysqlStatement {
  readonly tokens: readonly Token[]
  readonly text: string
  readonly line: number
  readonly column: number
  readonly endLine: number
}

export interface MysqlParsed {
  readonly statements: readonly MysqlStatement[]
  readonly comments: readonly { readonly text: string; readonly line: number }[]
}

const pieces =
  /(?<blank>\s+|\/\*!\d*|\*\/)|(?<comment>--(?=\s|$)[^\n]*|#[^\n]*|\/\*[\s\S]*?(?:\*\/|$))|`(?<name>(?:[^`]|``)*)`|(?<text>'(?:[^'\\]|\\[\s\S]|'')*'?|"(?:[^"\\]|\\[\s\S]|"")*"?)|(?<word>[\w$\u0080-\uffff]+)|(?<symbol>[\s\S])/gy

export function parseMysql(sql: string): MysqlParsed {
  const tokens: Token[] = []
  const comments: { text: string; line: number }[] = []
  const lines = lineStarts(sql)
  for (const { 0: whole, index: start, groups = {} } of sql.matchAll(pieces)) {
    const end = start + whole.length
    if (groups.comment !== undefined)
      comments.push({ text: whole, line: placeOf(lines, start).line })
    else if (groups.name !== undefined)
      tokens.push({ kind: 'name', text: groups.name.replaceAll('``', '`'), start, end })
    else if (groups.blank === undefined) {
      const kind =
        groups.text !== undefined ? 'text' : groups.word !== undefined ? 'word' : 'symbol'
      tokens.push({ kind, text: whole, start, end })
    }
  }
  const statements = statementsIn(tokens).map((own) => statementOf(own, { sql, lines }))
  return { statements, comments }
}

/** `DELIMITER //` of the command line ends statements by another text until the next one. */
function statementsIn(tokens: readonly Token[]): Token[][] {
  const statements: Token[][] = [[]]
  let delimiter = ';'
  for (let i = 0; i < tokens.length; i += 1) {
    const token = tokens[i]
    if (!token) break
    const last = statements.at(-1) ?? []
    if (last.length === 0 && /^delimiter$/i.test(token.text)) {
      const marks = symbolsFrom(tokens, i + 1)
      delimiter = marks.text
      i += marks.count
    } else if (symbolsFrom(tokens, i).text.startsWith(delimiter)) {
      i += delimiter.length - 1
      statements.push([])
    } else last.push(token)
  }
  return statements.filter((own) => own.length > 0)
}

/** Symbols that stand together, such as `//` and `$$`. */
function symbolsFrom(tokens: readonly Token[], from: number): { text: string; count: number } {
  let text = ''
  let count = 0
  for (let end = tokens[from]?.start; tokens[from + count]?.start === end; count += 1) {
    const token = tokens[from + count]
    if (!token || !/^[^\w\s`'"()]$|^\$+$/.test(token.text)) break
    text += token.text
    end = token.end
  }
  return { text, count }
}

interface Source {
  readonly sql: string
  readonly lines: readonly number[]
}

function statementOf(tokens: Token[], { sql, lines }: Source): MysqlStatement {
  const start = tokens[0]?.start ?? 0
  const end = tokens.at(-1)?.end ?? start
  const text = sql.slice(start, end)
  return { tokens, text, ...placeOf(lines, start), endLine: placeOf(lines, end - 1).line }
}

function lineStarts(sql: string): number[] {
  return [0, ...[...sql.matchAll(/\n/g)].map(({ index }) => index + 1)]
}

function placeOf(lines: readonly number[], offset: number): { line: number; column: number } {
  let low = 0
  let high = lines.length - 1
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if ((lines[middle] ?? 0) <= offset) low = middle
    else high = middle - 1
  }
  return { line: low + 1, column: offset - (lines[low] ?? 0) + 1 }
}

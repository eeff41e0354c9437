/** SQL inside DO blocks: static statements, and whether some are built at run time. */
import type * as Parser from 'libpg-query'
import { parseSql, type Statement } from './parse.ts'

export interface Block {
  readonly statements: readonly Statement[]
  /** Lines of EXECUTE whose text is not a constant. */
  readonly dynamicLines: readonly number[]
}

/** Null: the statement is no DO block of PL/pgSQL. */
export function blockOf(parser: typeof Parser, statement: Statement): Block | null {
  const { node, text } = statement
  if (!('DoStmt' in node)) return null
  const options = (node.DoStmt.args ?? []).flatMap((arg) => ('DefElem' in arg ? [arg.DefElem] : []))
  const language = options.find(({ defname }) => defname === 'language')?.arg
  const isOther = language && 'String' in language && language.String.sval !== 'plpgsql'
  const body = options.find(({ defname }) => defname === 'as')?.arg
  if (isOther || !body || !('String' in body)) return { statements: [], dynamicLines: [] }
  const before = text.slice(0, Math.max(0, text.indexOf(body.String.sval ?? '')))
  const firstLine = statement.line + before.split('\n').length - 1
  const executions = [...executedIn(parsed(parser, text))]
  const queries = executions.map(({ query, isDynamic, line }) => {
    const constant = /^'((?:[^']|'')*)'$/.exec(query.trim())?.[1]?.replaceAll("''", "'")
    return { sql: isDynamic ? constant : query, line: firstLine + Math.max(line, 1) - 1 }
  })
  return {
    statements: queries.flatMap(({ sql, line }) =>
      sql === undefined ? [] : parseSql(parser, sql).statements.map((one) => at(one, line)),
    ),
    dynamicLines: queries.flatMap(({ sql, line }) => (sql === undefined ? [line] : [])),
  }
}

function at(statement: Statement, line: number): Statement {
  return { ...statement, line, column: 1, endLine: line + statement.endLine - statement.line }
}

function parsed(parser: typeof Parser, text: string): unknown {
  try {
    return parser.parsePlPgSQLSync(text)
  } catch {
    // A body that the server refuses when it runs: then it changes nothing.
    return null
  }
}

interface Executed {
  readonly query: string
  readonly isDynamic: boolean
  readonly line: number
}

function* executedIn(tree: unknown): Generator<Executed> {
  if (typeof tree !== 'object' || tree === null) return
  for (const [key, value] of Object.entries(tree)) {
    const isDynamic = /^PLpgSQL_stmt_dyn(execute|fors)$/.test(key)
    if (isDynamic) yield { query: queryIn(value.query), isDynamic, line: value.lineno ?? 1 }
    else if (key === 'PLpgSQL_stmt_execsql')
      yield { query: queryIn(value.sqlstmt), isDynamic, line: value.lineno ?? 1 }
    else yield* executedIn(value)
  }
}

function queryIn(expression: { PLpgSQL_expr?: { query?: string } } | undefined): string {
  return expression?.PLpgSQL_expr?.query ?? ''
}

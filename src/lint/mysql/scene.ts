/** The schema and the session as the statements before have left them. */
import { alterationOf, capitals, type Operation, tableAt } from './operations.ts'
import type { MysqlStatement, Token } from './tokens.ts'

export class MysqlScene {
  readonly version: number
  /** Tables of this file. */
  readonly created = new Set<string>()
  /** `table.column`, in small letters → definition, in capitals. */
  readonly columns = new Map<string, string>()
  waitsShortly = false
  timeoutReported = false
  ignoresForeignKeys = false
  inTransaction = false

  constructor(version: number) {
    this.version = version
  }

  beginFile(): void {
    this.created.clear()
    this.waitsShortly = false
    this.timeoutReported = false
    this.ignoresForeignKeys = false
    this.inTransaction = false
  }

  isNew(table: string): boolean {
    return this.created.has(table)
  }

  definitionOf(table: string, column: string): string | undefined {
    return this.columns.get(`${table}.${column}`.toLowerCase())
  }

  apply(statement: MysqlStatement): void {
    const text = capitals(statement.tokens)
    const create = /^CREATE (?:TEMPORARY )?TABLE (?:IF NOT EXISTS )?/.exec(text)
    if (create) this.#create(statement.tokens, create[0].trim().split(' ').length)
    const waits = /^SET .*\bLOCK_WAIT_TIMEOUT = (\d+)/.exec(text)?.[1]
    if (waits !== undefined) this.waitsShortly = Number(waits) <= longestWaitS
    const checks = /^SET .*\bFOREIGN_KEY_CHECKS = (\w+)/.exec(text)?.[1]
    if (checks !== undefined) this.ignoresForeignKeys = /^(?:0|OFF|FALSE)$/.test(checks)
    if (/^(?:BEGIN|START TRANSACTION)\b/.test(text)) this.inTransaction = true
    else if (/^(?:COMMIT|ROLLBACK|ALTER|CREATE|DROP|TRUNCATE|RENAME)\b/.test(text))
      this.inTransaction = false
    for (const operation of alterationOf(statement)?.operations ?? []) this.#alter(operation)
  }

  #create(tokens: readonly Token[], at: number): void {
    const { table, next } = tableAt(tokens, at)
    this.created.add(table)
    const options = capitals(tokens.slice(tokens.findLastIndex(({ text }) => text === ')')))
    const charset = /\b(?:CHARACTER SET|CHARSET) (?:= )?(\w+)/.exec(options)?.[1]
    let depth = 0
    let part: Token[] = []
    for (const token of tokens.slice(next)) {
      if (token.text === ')') depth -= 1
      if ((depth === 1 && token.text === ',') || (depth === 0 && token.text === ')')) {
        this.#define(table, part, charset)
        part = []
      } else if (depth > 0) part.push(token)
      if (token.text === '(') depth += 1
    }
  }

  #define(table: string, [name, ...rest]: readonly Token[], charset: string | undefined): void {
    if (!name) return
    const own = capitals(rest)
    const isStated = charset === undefined || /\b(?:CHARACTER SET|CHARSET)\b/.test(own)
    const definition = isStated ? own : `${own} CHARACTER SET ${charset}`
    this.columns.set(`${table}.${name.text}`.toLowerCase(), definition)
  }

  #alter({ kind, table, column, definition, renamed }: Operation): void {
    if (kind !== 'add column' && kind !== 'modify column') return
    this.columns.set(`${table}.${renamed || column}`.toLowerCase(), definition)
  }
}

const longestWaitS = 10

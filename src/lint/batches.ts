/**
 * Comments that divide an UPDATE or a DELETE into batches: `-- rehome:batches key=id size=1000`.
 *
 * `rehome schema` obeys them: it walks through the table by this key, and commits each batch. A
 * comment belongs to the statement in whose lines it stands, else to the next one. Pure.
 */
import type { Node } from 'libpg-query'
import { statementOf } from './allowed.ts'
import type { Comment, Statement } from './postgres/parse.ts'

export interface Batches {
  /** Columns of a unique key, in its order. */
  readonly key: readonly string[]
  /** Rows of the key that one batch covers at most. */
  readonly size: number
}

export interface BatchesComment extends Partial<Batches> {
  readonly line: number
  /** Index of the statement that it is for; -1: there is none. */
  readonly statement: number
  /** Why the comment divides nothing; null: it divides its statement. */
  readonly fault: string | null
}

const marker = /^(?:--|\/\*)\s*rehome:batches\b([\s\S]*?)(?:\*\/)?$/
const form = '`-- rehome:batches key=id size=1000`'
const sizeMax = 100_000
const defaultSize = 1_000

export function batchesIn(
  comments: readonly Comment[],
  statements: readonly Statement[],
): BatchesComment[] {
  const inTransaction = withinTransactions(statements)
  return comments.flatMap(({ text, line }): BatchesComment[] => {
    const [, words] = marker.exec(text) ?? []
    if (words === undefined) return []
    const index = statementOf(line, statements)
    const batches = batchesOf(words)
    if (typeof batches === 'string') return [{ line, statement: index, fault: batches }]
    const fault = inTransaction.has(index)
      ? 'its statement stands between BEGIN and COMMIT, which is one transaction'
      : faultOf(statements[index]?.node, batches)
    return [{ ...batches, line, statement: index, fault }]
  })
}

/** The text is what is wrong with the comment. */
function batchesOf(words: string): Batches | string {
  const options = new Map(
    words
      .trim()
      .split(/\s+/)
      .map((word) => [word.split('=')[0] ?? '', word.slice(word.indexOf('=') + 1)] as const),
  )
  const [unknown] = [...options.keys()].filter((name) => name !== 'key' && name !== 'size')
  if (unknown !== undefined) return `"${unknown}" is not \`key\` or \`size\` (${form})`
  const key = (options.get('key') ?? '').split(',').filter(Boolean)
  const size = Number(options.get('size') ?? defaultSize)
  if (key.length === 0) return `it names no key (${form})`
  if (Number.isInteger(size) && size >= 1 && size <= sizeMax) return { key, size }
  return `its size is not a number from 1 to ${sizeMax} (${form})`
}

function faultOf(node: Node | undefined, { key }: Batches): string | null {
  if (!node) return 'no statement follows it'
  const changed =
    'UpdateStmt' in node ? node.UpdateStmt : 'DeleteStmt' in node ? node.DeleteStmt : undefined
  if (!changed) return 'its statement is no UPDATE and no DELETE'
  if (changed.whereClause && 'CurrentOfExpr' in changed.whereClause)
    return 'its statement changes the row of a cursor'
  if (changed.returningClause) return 'its statement has RETURNING, which nothing reads'
  const ctes = changed.withClause?.ctes ?? []
  if (ctes.some(changesData)) return 'its WITH changes rows, which each batch would do again'
  const moved = 'UpdateStmt' in node ? columnsSet(node.UpdateStmt.targetList) : []
  const ownKey = key.find((column) => moved.includes(column))
  // Rows that get a greater key would be met again, without end.
  return ownKey === undefined ? null : `its statement changes the key "${ownKey}" of its batches`
}

function columnsSet(targets: readonly Node[] = []): string[] {
  return targets.flatMap((one) => ('ResTarget' in one ? [one.ResTarget.name ?? ''] : []))
}

function changesData(node: Node): boolean {
  const query = 'CommonTableExpr' in node ? node.CommonTableExpr.ctequery : undefined
  return query !== undefined && !('SelectStmt' in query)
}

/** Indexes of statements between BEGIN and COMMIT. */
function withinTransactions(statements: readonly Statement[]): Set<number> {
  const within = new Set<number>()
  let isOpen = false
  for (const [i, { node }] of statements.entries()) {
    const kind = 'TransactionStmt' in node ? (node.TransactionStmt.kind ?? '') : ''
    if (/BEGIN|START/.test(kind)) isOpen = true
    else if (/_COMMIT$|_ROLLBACK$|_PREPARE$/.test(kind)) isOpen = false
    else if (isOpen) within.add(i)
  }
  return within
}

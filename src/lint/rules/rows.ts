/** Rules for changes of rows within migrations, and for SQL that cannot be read. */
import type { Node, RangeVar, WithClause } from 'libpg-query'
import { nodesIn, rowStatementsIn, tableOf } from '../postgres/nodes.ts'
import type { PostgresRules } from '../postgres/site.ts'

export const rowRules: PostgresRules = {
  'rows-changed-at-once'({ node, scene, statement }) {
    const text = statement.text.replace(/;\s*$/, '')
    for (const { changed, isWhole } of changesIn(node)) {
      const object = tableOf(changed.relation)
      if (scene.isNew(object) || isBounded(changed)) continue
      // Within WITH, or in MERGE, a LIMIT has to go where only its author knows.
      return { object, batch: isWhole ? batchOf(text, object) : `${text}; -- of 1000 rows` }
    }
    return null
  },
  // Found by lint-postgres.ts, which reads the body of the block.
  'dynamic-sql': () => null,
}

/** The statement with a subquery around its condition. */
function batchOf(text: string, table: string): string {
  const [, head = text, where] = /^([\s\S]*?)\bwhere\b([\s\S]*)$/i.exec(text) ?? []
  const condition = where?.trim() ?? 'id > 0 -- the largest id of the batch before\n '
  const keys = `SELECT id FROM ${table} WHERE ${condition} ORDER BY id LIMIT 1000`
  return `${head.trimEnd()} WHERE id IN (\n  ${keys}\n);`
}

interface Change {
  readonly relation?: RangeVar
  readonly whereClause?: Node
  readonly withClause?: WithClause
  /** Source of a MERGE. */
  readonly source?: Node | undefined
}

/** Statements that change rows: this one, and those of its WITH. */
function changesIn(node: Node): { changed: Change; isWhole: boolean }[] {
  return rowStatementsIn(node).flatMap((one) => {
    const isWhole = one === node
    if ('UpdateStmt' in one) return [{ changed: one.UpdateStmt, isWhole }]
    if ('DeleteStmt' in one) return [{ changed: one.DeleteStmt, isWhole }]
    if (!('MergeStmt' in one)) return []
    const { mergeWhenClauses = [], sourceRelation: source } = one.MergeStmt
    const changes = mergeWhenClauses.some(
      (when) =>
        'MergeWhenClause' in when &&
        /^CMD_(?:UPDATE|DELETE)$/.test(when.MergeWhenClause.commandType ?? ''),
    )
    return changes ? [{ changed: { ...one.MergeStmt, source }, isWhole: false }] : []
  })
}

/** Compares it a column with a constant, or has it a subquery with LIMIT? */
function isBounded({ whereClause, withClause, source }: Change): boolean {
  return [...nodesIn([whereClause, withClause, source])].some((node) => {
    if ('SelectStmt' in node) return node.SelectStmt.limitCount !== undefined
    if ('ParamRef' in node || 'CurrentOfExpr' in node) return true
    if (!('A_Expr' in node)) return false
    const sides = [node.A_Expr.lexpr, node.A_Expr.rexpr]
    const constants = sides.filter((side) => side && !hasColumn(side))
    return constants.length === 1 && !sides.some(isCommon) && !isNegation(node)
  })
}

/** A value that most rows may have: an empty text, true, false. */
function isCommon(node: Node | undefined): boolean {
  if (!node || !('A_Const' in node)) return false
  const { sval, boolval } = node.A_Const
  return boolval !== undefined || (sval !== undefined && !sval.sval)
}

function hasColumn(node: Node): boolean {
  return [...nodesIn(node)].some((one) => 'ColumnRef' in one || 'SubLink' in one)
}

function isNegation(node: Node): boolean {
  if (!('A_Expr' in node)) return false
  const [operator] = node.A_Expr.name ?? []
  const name = operator && 'String' in operator ? operator.String.sval : ''
  return name === '<>' || node.A_Expr.kind === 'AEXPR_DISTINCT'
}

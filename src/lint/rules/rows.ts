/** Rules for changes of rows within migrations, and for SQL that cannot be read. */
import type { Node } from 'libpg-query'
import { nodesIn, tableOf } from '../postgres/nodes.ts'
import type { PostgresRule } from '../postgres/site.ts'

export const rowRules: readonly PostgresRule[] = [
  {
    code: 'rows-changed-at-once',
    level: 'error',
    title: 'all rows of {object} may be changed by one statement',
    lock: 'ROW EXCLUSIVE',
    cost: 'scan',
    breaks:
      'Every changed row stays locked until the statement has changed the last one, and writers of ' +
      'these rows wait. The table grows by as many dead rows, replicas fall behind, and vacuum waits. ' +
      'The rule accepts a WHERE that compares with a constant, and a subquery with LIMIT.',
    example: "UPDATE orders SET note = 'none' WHERE note IS NULL;",
    steps: [
      {
        does:
          'Change it in batches. Repeat it, each time in a transaction of its own, until it changes no ' +
          'row; `id` stands for the primary key.',
        sql: '{=batch}',
      },
    ],
    find({ node, scene, statement }) {
      const changed =
        'UpdateStmt' in node ? node.UpdateStmt : 'DeleteStmt' in node ? node.DeleteStmt : undefined
      const object = tableOf(changed?.relation)
      if (!changed || scene.isNew(object) || isBounded(changed.whereClause)) return null
      return { object, batch: batchOf(statement.text.replace(/;\s*$/, ''), object) }
    },
  },
  {
    code: 'dynamic-sql',
    level: 'warning',
    title: 'SQL that is built at run time cannot be read',
    lock: null,
    cost: 'instant',
    breaks:
      'The statements that EXECUTE runs may lock and rewrite anything. No rule has seen them.',
    example: "DO $$ BEGIN EXECUTE 'DROP TABLE ' || 'lines'; END $$;",
    steps: [
      { does: 'Write the statements as they are, or check them by hand and allow this one.' },
    ],
    // Found by lint-postgres.ts, which reads the body of the block.
    find: () => null,
  },
]

/** The statement with a subquery around its condition. */
function batchOf(text: string, table: string): string {
  const [, head = text, where] = /^([\s\S]*?)\bwhere\b([\s\S]*)$/i.exec(text) ?? []
  const condition = where?.trim() ?? 'id > 0 -- the largest id of the batch before\n '
  const keys = `SELECT id FROM ${table} WHERE ${condition} ORDER BY id LIMIT 1000`
  return `${head.trimEnd()} WHERE id IN (\n  ${keys}\n);`
}

/** Compares it a column with a constant, or has it a subquery with LIMIT? */
function isBounded(where: Node | undefined): boolean {
  if (!where) return false
  return [...nodesIn(where)].some((node) => {
    if ('SelectStmt' in node) return node.SelectStmt.limitCount !== undefined
    if ('ParamRef' in node || 'CurrentOfExpr' in node) return true
    if (!('A_Expr' in node)) return false
    const sides = [node.A_Expr.lexpr, node.A_Expr.rexpr]
    const constants = sides.filter((side) => side && !hasColumn(side))
    const isEmptyText = sides.some(
      (side) => side && 'A_Const' in side && side.A_Const.sval && !side.A_Const.sval.sval,
    )
    return constants.length === 1 && !isEmptyText && !isNegation(node)
  })
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

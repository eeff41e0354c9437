/** Reads the trees of PostgreSQL's parser: names, types, expressions. Pure. */
import type { ColumnDef, Constraint, ConstrType, Node, RangeVar, TypeName } from 'libpg-query'

/** `schema.table`, without the schema where it is `public` or not named. */
export function tableOf(relation: RangeVar | undefined): string {
  const { schemaname, relname = '' } = relation ?? {}
  return tableKey(schemaname === undefined ? [relname] : [schemaname, relname])
}

export function tableKey(parts: readonly string[]): string {
  return parts.filter((part, i) => part !== 'public' || i === parts.length - 1).join('.')
}

/** Names in a list of String nodes, such as the parts of a qualified name. */
export function strings(nodes: readonly Node[] | undefined): string[] {
  return (nodes ?? []).flatMap((node) => ('String' in node ? [node.String.sval ?? ''] : []))
}

/** Objects of DROP and COMMENT. */
export function objectName(node: Node | undefined): string {
  if (!node) return ''
  if ('List' in node) return tableKey(strings(node.List.items))
  if ('TypeName' in node) return tableKey(strings(node.TypeName.names))
  return 'String' in node ? (node.String.sval ?? '') : ''
}

export function constraintsOf(column: ColumnDef): Constraint[] {
  return (column.constraints ?? []).flatMap((node) =>
    'Constraint' in node ? [node.Constraint] : [],
  )
}

export function constraintOf(column: ColumnDef, type: ConstrType): Constraint | undefined {
  return constraintsOf(column).find(({ contype }) => contype === type)
}

export function columnDef(node: Node | undefined): ColumnDef | undefined {
  return node && 'ColumnDef' in node ? node.ColumnDef : undefined
}

export function constraintDef(node: Node | undefined): Constraint | undefined {
  return node && 'Constraint' in node ? node.Constraint : undefined
}

export interface ColumnType {
  readonly name: string
  /** Length, or precision and scale. */
  readonly modifiers: readonly number[]
  readonly array: boolean
}

export function typeOf(type: TypeName | undefined): ColumnType {
  const names = strings(type?.names)
  const modifiers = (type?.typmods ?? []).map((node) => integerOf(node) ?? Number.NaN)
  const name = names[0] === 'pg_catalog' ? names.slice(1).join('.') : names.join('.')
  return { name, modifiers, array: (type?.arrayBounds ?? []).length > 0 }
}

const sqlNames: Readonly<Record<string, string>> = {
  int2: 'smallint',
  int4: 'integer',
  int8: 'bigint',
  bool: 'boolean',
  float4: 'real',
  float8: 'double precision',
  bpchar: 'char',
}

export function typeText({ name, modifiers, array }: ColumnType): string {
  const list = modifiers.length === 0 ? '' : `(${modifiers.join(',')})`
  return `${sqlNames[name] ?? name}${list}${array ? '[]' : ''}`
}

/** Value of an integer constant. The parser leaves out a zero. */
export function integerOf(node: Node | undefined): number | undefined {
  if (!node || !('A_Const' in node) || !node.A_Const.ival) return undefined
  return node.A_Const.ival.ival ?? 0
}

export function textOf(node: Node | undefined): string | undefined {
  return node && 'A_Const' in node ? node.A_Const.sval?.sval : undefined
}

/** The tree and everything in it that has a type, parents first. */
export function* nodesIn(tree: unknown): Generator<Node> {
  if (Array.isArray(tree)) {
    for (const item of tree) yield* nodesIn(item)
  } else if (isTree(tree)) {
    if (isNode(tree)) yield tree
    for (const value of Object.values(tree)) yield* nodesIn(value)
  }
}

function isTree(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

/** A node is an object with one key, the name of its type. */
function isNode(value: object): value is Node {
  const keys = Object.keys(value)
  return keys.length === 1 && /^[A-Z]/.test(keys[0] ?? '')
}

/** The statement and those of its WITH, if it works on rows: a function only holds some. */
export function rowStatementsIn(node: Node): Node[] {
  if ('ExplainStmt' in node && node.ExplainStmt.query) {
    const runs = hasOption(node.ExplainStmt.options, 'analyze')
    return runs ? rowStatementsIn(node.ExplainStmt.query) : []
  }
  const [type = ''] = Object.keys(node)
  return /^(?:Select|Insert|Update|Delete|Merge)Stmt$/.test(type) ? [...nodesIn(node)] : []
}

/** Unqualified names of all functions in an expression. */
export function functionsIn(expression: unknown): string[] {
  return [...nodesIn(expression)].flatMap((node) =>
    'FuncCall' in node ? strings(node.FuncCall.funcname).slice(-1) : [],
  )
}

/** Column of `column is not null`, alone or as a part of an AND. */
export function columnsNotNullBy(expression: Node | undefined): string[] {
  if (!expression) return []
  if ('BoolExpr' in expression && expression.BoolExpr.boolop === 'AND_EXPR')
    return (expression.BoolExpr.args ?? []).flatMap(columnsNotNullBy)
  if (!('NullTest' in expression) || expression.NullTest.nulltesttype !== 'IS_NOT_NULL') return []
  const { arg } = expression.NullTest
  return arg && 'ColumnRef' in arg ? strings(arg.ColumnRef.fields).slice(-1) : []
}

export const hasOption = (options: readonly Node[] | undefined, name: string): boolean =>
  (options ?? []).some(
    (node) => 'DefElem' in node && node.DefElem.defname === name && !isOff(node.DefElem.arg),
  )

/** `VACUUM (FULL false)`. */
function isOff(node: Node | undefined): boolean {
  if (!node) return false
  if ('String' in node) return /^(false|off|no|0)$/i.test(node.String.sval ?? '')
  return 'Integer' in node && (node.Integer.ival ?? 0) === 0
}

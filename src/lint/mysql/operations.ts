/** Reads what a statement of MySQL changes: each clause of an ALTER TABLE by itself. Pure. */
import type { MysqlStatement, Token } from './tokens.ts'

export type OperationKind =
  | 'add column'
  | 'drop column'
  | 'modify column'
  | 'rename column'
  | 'change default'
  | 'add index'
  | 'add unique index'
  | 'add fulltext index'
  | 'add spatial index'
  | 'drop index'
  | 'change index'
  | 'add primary key'
  | 'drop primary key'
  | 'add foreign key'
  | 'drop foreign key'
  | 'add check'
  | 'drop check'
  | 'convert character set'
  | 'partition anew'
  | 'reorganize partitions'
  | 'change partitions'
  | 'rebuild'
  | 'change option'
  | 'copying option'
  | 'rename table'
  | 'other'

export interface Operation {
  readonly kind: OperationKind
  readonly table: string
  readonly column: string
  /** Definition behind the column's name, in capitals except for quoted parts. */
  readonly definition: string
  /** New name, where a column or the table gets one. */
  readonly renamed: string
  /** Text in capitals, as the definition is. */
  readonly text: string
  /** Text as it is written. */
  readonly source: string
}

export interface Alteration {
  readonly table: string
  readonly operations: readonly Operation[]
  /** Values of ALGORITHM= and LOCK=, in capitals; empty: not stated. */
  readonly algorithm: string
  readonly lock: string
}

/** Null: the statement alters no table. */
export function alterationOf(statement: MysqlStatement): Alteration | null {
  const { tokens } = statement
  const text = capitals(tokens)
  const alter = /^ALTER (?:ONLINE |OFFLINE )?(?:IGNORE )?TABLE /.exec(text)
  if (alter) return alterTable(statement, alter[0].trim().split(' ').length)
  const index = /^(CREATE (?:(UNIQUE|FULLTEXT|SPATIAL) )?INDEX|DROP INDEX) /.exec(text)
  return index ? indexStatement(statement, index[2]) : null
}

function alterTable({ tokens, text }: MysqlStatement, from: number): Alteration {
  const begin = tokens[0]?.start ?? 0
  const sourceOf = (one: readonly Token[]) =>
    text.slice((one[0]?.start ?? 0) - begin, (one.at(-1)?.end ?? 0) - begin)
  const { table, next } = tableAt(tokens, from)
  const clauses = clausesOf(tokens.slice(next))
  const option = (name: string) => {
    const values = clauses.map(
      (one) => new RegExp(`^${name} (?:= )?(\\w+)$`).exec(capitals(one))?.[1],
    )
    return values.find((value) => value !== undefined) ?? ''
  }
  const operations = clauses
    .filter((one) => !/^(?:ALGORITHM|LOCK) (?:= )?\w+$/.test(capitals(one)))
    .flatMap(columnsApart)
    .map((one) => ({ ...operationOf(table, one), source: sourceOf(one) }))
  return { table, operations, algorithm: option('ALGORITHM'), lock: option('LOCK') }
}

function indexStatement(statement: MysqlStatement, kind: string | undefined): Alteration {
  const { tokens, text: source } = statement
  const on = tokens.findIndex(({ kind: type, text }) => type === 'word' && /^on$/i.test(text))
  const { table } = tableAt(tokens, on + 1)
  const text = capitals(tokens)
  const isDrop = text.startsWith('DROP')
  const added =
    kind === undefined ? 'add index' : (`add ${kind.toLowerCase()} index` as OperationKind)
  const name = tokens[isDrop ? 2 : kind === undefined ? 2 : 3]?.text ?? ''
  const kindOf = isDrop ? ('drop index' as const) : added
  const operation = { kind: kindOf, table, definition: text, renamed: '', text, source }
  const option = (word: string) => new RegExp(`\\b${word} (?:= )?(\\w+)`).exec(text)?.[1] ?? ''
  const operations = [{ ...operation, column: name }]
  return { table, operations, algorithm: option('ALGORITHM'), lock: option('LOCK') }
}

/** `schema . table` */
export function tableAt(tokens: readonly Token[], at: number): { table: string; next: number } {
  const [first, dot, second] = tokens.slice(at, at + 3)
  if (dot?.text === '.') return { table: `${first?.text}.${second?.text}`, next: at + 3 }
  return { table: first?.text ?? '', next: at + 1 }
}

function clausesOf(tokens: readonly Token[]): Token[][] {
  const clauses: Token[][] = [[]]
  let depth = 0
  for (const token of tokens) {
    if (token.text === '(' && token.kind === 'symbol') depth += 1
    if (token.text === ')' && token.kind === 'symbol') depth -= 1
    if (depth === 0 && token.text === ',' && token.kind === 'symbol') clauses.push([])
    else clauses.at(-1)?.push(token)
  }
  return clauses.filter((clause) => clause.length > 0)
}

/** `ADD COLUMN (a INT, b INT)` adds each column as if it stood alone. */
function columnsApart(clause: readonly Token[]): (readonly Token[])[] {
  const open = /^ADD (?:COLUMN )?\(/.exec(capitals(clause))?.[0].split(' ').length
  if (open === undefined || clause.at(-1)?.text !== ')') return [clause]
  const lead = clause.slice(0, open - 1)
  return clausesOf(clause.slice(open, -1)).map((column) => [...lead, ...column])
}

/** Tokens with single blanks, words in capitals, names and texts in quotes. */
export function capitals(tokens: readonly Token[]): string {
  return tokens
    .map(({ kind, text }) =>
      kind === 'name' ? `\`${text}\`` : kind === 'word' ? text.toUpperCase() : text,
    )
    .join(' ')
}

/** Beginnings of clauses, the first that fits. Each ends where the column's name begins. */
const kinds: readonly (readonly [RegExp, OperationKind])[] = [
  [/^ADD (?:CONSTRAINT (?:(?!PRIMARY|UNIQUE|FOREIGN|CHECK)\S+ )?)?PRIMARY KEY/, 'add primary key'],
  [/^ADD (?:CONSTRAINT (?:(?!UNIQUE|FOREIGN|CHECK)\S+ )?)?UNIQUE/, 'add unique index'],
  [/^ADD (?:CONSTRAINT (?:(?!FOREIGN|CHECK)\S+ )?)?FOREIGN KEY/, 'add foreign key'],
  [/^ADD (?:CONSTRAINT (?:(?!CHECK)\S+ )?)?CHECK/, 'add check'],
  [/^ADD FULLTEXT/, 'add fulltext index'],
  [/^ADD SPATIAL/, 'add spatial index'],
  [/^ADD (?:INDEX|KEY)\b/, 'add index'],
  [/^(?:REORGANIZE|COALESCE|REBUILD|ADD PARTITION PARTITIONS) /, 'reorganize partitions'],
  [/^(?:ADD|DROP|TRUNCATE|EXCHANGE|ANALYZE|CHECK|REPAIR) PARTITION/, 'change partitions'],
  [/^(?:PARTITION BY|REMOVE PARTITIONING|(?:OPTIMIZE|DISCARD|IMPORT) PARTITION)/, 'partition anew'],
  [/^ADD (?:COLUMN )?(?:IF NOT EXISTS )?/, 'add column'],
  [/^DROP PRIMARY KEY/, 'drop primary key'],
  [/^DROP FOREIGN KEY/, 'drop foreign key'],
  [/^DROP (?:CHECK|CONSTRAINT) /, 'drop check'],
  [/^DROP (?:INDEX|KEY) /, 'drop index'],
  [/^DROP (?:COLUMN )?(?:IF EXISTS )?/, 'drop column'],
  [/^(?:MODIFY|CHANGE) (?:COLUMN )?/, 'modify column'],
  [/^RENAME COLUMN /, 'rename column'],
  [/^(?:RENAME (?:INDEX|KEY)|ALTER INDEX)/, 'change index'],
  [/^RENAME (?:TO |AS |= )?/, 'rename table'],
  [/^ALTER (?:COLUMN )?(?!CHECK|CONSTRAINT)/, 'change default'],
  [/^ALTER (?:CHECK|CONSTRAINT) /, 'add check'],
  [/^CONVERT TO /, 'convert character set'],
  [/^(?:FORCE|ENGINE|ROW_FORMAT|KEY_BLOCK_SIZE)\b/, 'rebuild'],
  [/^(?:ENCRYPTION|TABLESPACE|ORDER BY)\b/, 'copying option'],
  [
    /^(?:AUTO_INCREMENT|COMMENT|STATS_|DEFAULT|CHARACTER|CHARSET|COLLATE|COMPRESSION)/,
    'change option',
  ],
]

function operationOf(table: string, clause: readonly Token[]): Omit<Operation, 'source'> {
  const text = capitals(clause)
  const entry = kinds.find(([pattern]) => pattern.test(text))
  const kind = entry?.[1] ?? 'other'
  const begin = entry?.[0].exec(text)?.[0] ?? ''
  const words = begin.trim() === '' ? 0 : begin.trim().split(' ').length
  const column = clause[words]?.text ?? ''
  const rest = clause.slice(words + 1)
  const base = { kind, table, column, definition: capitals(rest), renamed: '', text }
  if (kind === 'rename table') return { ...base, renamed: column }
  if (kind === 'rename column') return { ...base, renamed: rest[1]?.text ?? '' }
  if (!text.startsWith('CHANGE')) return base
  // CHANGE has the old name, the new one, and the definition.
  const renamed = rest[0]?.text ?? ''
  return {
    ...base,
    definition: capitals(rest.slice(1)),
    renamed: renamed.toLowerCase() === column.toLowerCase() ? '' : renamed,
  }
}

/** A case while it is drawn. */
import type { Column, Constraint, Table } from '../cases/case.ts'
import { name, type Random } from './draw.ts'
import type { KeyKind, Kind } from './types.ts'

/** A table while its case is drawn: how literals of its columns are made. */
export interface Draft {
  table: Table
  /** Column → literal of the nth row. Columns of paths are not among them. */
  readonly makes: Map<string, Kind>
  readonly paths: Path[]
  /** Takes numbers from this sequence; absent: each row has an explicit key. */
  numbers: Numbers | null
  /** Rows may find their tenant through rows of the same table. */
  ownWay: boolean
}

/** Where the first range partition ends. */
export const border = 30

export interface Path {
  readonly columns: readonly string[]
  readonly parent: Draft
  readonly notNull: boolean
  /** A value of the key is written otherwise than the parent has it. */
  readonly otherwise: boolean
  /** Nothing else tells whose a row is. */
  readonly isOwn: boolean
  /** It leads to the first partition alone. */
  readonly toPart: boolean
  /** It leads to a table whose rows are drawn later. */
  readonly isBack: boolean
  /** One of the ways by which rows find their tenant. */
  readonly way: PathWay | null
}

export interface PathWay {
  /** A foreign key keeps it. */
  readonly isDeclared: boolean
  /** The type of rows that go this way. null: all. */
  readonly kind: string | null
}

export interface Numbers {
  readonly column: string
  /** The sequence as a regclass literal, once the tables are there. */
  readonly sequence: string
  readonly descending: boolean
}

export interface Drawing {
  readonly random: Random
  readonly schema: string
  readonly tenantKind: KeyKind
  readonly drafts: Draft[]
  readonly constraints: Constraint[]
  /** Pieces that are needed, by their names. */
  readonly needed: Set<string>
}

export const plain = {
  ...{ notNull: false, rest: '', fills: null, reads: [] },
  ...{ targetType: null, becomes: null },
} as const
export const markColumn: Column = { ...plain, name: 'mark', type: 'text', notNull: true }

function typeOf(drawing: Drawing, kind: Kind): string {
  for (const need of kind.needs) drawing.needed.add(need)
  return inSchema(drawing.schema, kind.type)
}

export function inSchema(schema: string, text: string): string {
  return text.replaceAll('%s', name(schema))
}

export function columnOf(
  drawing: Drawing,
  column: { name: string; kind: Kind; notNull: boolean },
): Column {
  const { random } = drawing
  const { wider } = column.kind
  return {
    ...plain,
    name: column.name,
    type: typeOf(drawing, column.kind),
    notNull: column.notNull,
    targetType: wider && random.chance(0.05) ? wider : null,
  }
}

export function addColumns(draft: Draft, columns: readonly Column[]): void {
  draft.table = { ...draft.table, columns: [...draft.table.columns, ...columns] }
}

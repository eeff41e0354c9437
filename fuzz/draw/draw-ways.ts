/**
 * Tables without a column for the tenant, whose rows find it by references that no foreign key
 * keeps, by one of several ways, by a type, or through rows of the same table.
 */
import type { Piece, Row, Way } from '../cases/case.ts'
import { addColumns, type Draft, type Drawing, type Path, plain } from './draft.ts'
import { literal, name, names, weighted } from './draw.ts'
import { addPath } from './draw-paths.ts'
import { keyOf, parentOf, type RowOf } from './parents.ts'

type Shape = 'reference' | 'several' | 'kinds'

const kindColumn = 'kind'

/** Before the table has its key. */
export function addWays(drawing: Drawing, draft: Draft, parents: readonly Draft[]): void {
  const { random } = drawing
  const shape = weighted<Shape>(random, { reference: 3, several: 3, kinds: 2 })
  const count = shape === 'reference' ? 1 : random.between(1, 3)
  for (let i = 0; i < count; i += 1) {
    addWay(drawing, draft, { parent: random.pick(parents), kind: shape === 'kinds' ? i : null })
  }
  if (shape !== 'reference') draft.ownWay = random.chance(count === 1 ? 0.9 : 0.5)
}

/** Once it has one: to rows of the table itself. */
export function addOwnWay(drawing: Drawing, draft: Draft): void {
  if (!draft.ownWay) return
  const isByKind = draft.table.ways.some(({ kind }) => kind !== null)
  addWay(drawing, draft, { parent: draft, kind: isByKind ? 9 : null })
}

function addWay(
  drawing: Drawing,
  draft: Draft,
  { parent, kind }: { readonly parent: Draft; readonly kind: number | null },
): void {
  const { random } = drawing
  // Columns that take no case into account cannot refer without a key, nor with a condition.
  const folds = parent.table.columns.some(
    ({ name: own, type }) => parent.table.key.includes(own) && type.includes('folded'),
  )
  if (folds && kind !== null) return
  const isDeclared = kind === null && (folds || random.chance(0.5))
  const before = draft.paths.length
  const way = { isDeclared, kind: kind === null ? null : `Kind ${kind}` }
  addPath(drawing, draft, { parents: [parent], isOwn: false, way })
  const path = draft.paths[before]
  if (!path) return
  const { columns } = path
  const to = { parent: parent.table.name, parentColumns: parent.table.key }
  const added: Way = { columns, ...to, declared: isDeclared, kind: way.kind }
  const isFirstKind = kind !== null && draft.table.ways.every((one) => one.kind === null)
  draft.table = { ...draft.table, ways: [...draft.table.ways, added] }
  if (isFirstKind) addColumns(draft, [{ ...plain, name: kindColumn, type: 'text' }])
}

/** Without them each guard would read whole tables, and `check` asks for them. */
export function drawWayIndexes({ drafts, schema }: Drawing): Piece[] {
  const referred = drafts.flatMap(({ table: { referredBy } }) =>
    referredBy.map(({ table, column }) => {
      const sql = `create index on ${name(schema)}.${name(table)} (${name(column)})`
      return { name: `${table} refers`, of: table, source: sql, target: sql }
    }),
  )
  return [...referred, ...waysIndexes({ drafts, schema })]
}

function waysIndexes({ drafts, schema }: Pick<Drawing, 'drafts' | 'schema'>): Piece[] {
  return drafts.flatMap(({ table }) =>
    table.ways
      .filter(({ declared }) => !declared)
      .map(({ columns }, i) => {
        const sql = `create index on ${name(schema)}.${name(table.name)} (${names(columns)})`
        return { name: `${table.name} way ${i}`, of: table.name, source: sql, target: sql }
      }),
  )
}

export function hasWays({ table }: Draft): boolean {
  return table.ways.length > 0
}

/** Values of the columns of all ways, for a row of this owner. null: no way leads to it. */
export function valuesOfWays(
  drawing: Drawing,
  draft: Draft,
  { rows, owner, isNew }: RowOf & { readonly isNew: boolean },
): Record<string, string> | null {
  const { random } = drawing
  const found = draft.paths.flatMap((path) => {
    // A row that is there could come below itself.
    if (!path.way || (!isNew && path.parent === draft)) return []
    const parents = parentOf(draft, path, { rows, owner })
    return parents ? [{ path, parent: random.pick(parents) }] : []
  })
  if (owner === '-' && random.chance(0.6)) return lostValues(drawing, draft)
  if (found.length === 0) return owner === '-' ? lostValues(drawing, draft) : null
  const first = random.pick(found)
  const more = found.filter(
    ({ path }) => first.path.way?.kind === null && path !== first.path && random.chance(0.3),
  )
  const all = [first, ...more].map(({ path, parent }) => wayValues(path, parent, rows))
  return Object.assign({}, ...all)
}

/** The row goes this way. */
export function wayValues(path: Path, parent: Row, rows: RowOf['rows']): Record<string, string> {
  const kind = path.way?.kind ?? null
  return { ...keyOf(path, parent, rows), ...(kind !== null && { [kindColumn]: literal(kind) }) }
}

/** A row without a tenant: its reference is null, leads to no row, or is of an unknown type. */
function lostValues({ random }: Drawing, draft: Draft): Record<string, string> {
  const { ways } = draft.table
  const isByKind = ways.some(({ kind }) => kind !== null)
  const loose = draft.paths.filter(({ way, parent }) => {
    return way && !way.isDeclared && parent.table.key.every((key) => isPlain(parent, key))
  })
  if (loose.length === 0 || random.chance(0.4)) {
    return isByKind && random.chance(0.5) ? { [kindColumn]: literal('Kind 7') } : {}
  }
  const path = random.pick(loose)
  const n = 770_000 + random.between(0, 999)
  const entries = path.parent.table.key.map((key, i) => {
    return [path.columns[i] ?? '', path.parent.makes.get(key)?.of(n) ?? 'null'] as const
  })
  const kind = path.way?.kind ?? null
  return { ...Object.fromEntries(entries), ...(kind !== null && { [kindColumn]: literal(kind) }) }
}

/** Its kind makes a value for any number. */
function isPlain({ table, makes }: Draft, key: string): boolean {
  const type = table.columns.find((column) => column.name === key)?.type ?? ''
  return makes.has(key) && /^(int|bigint|numeric|uuid|text|varchar)/.test(type)
}

/** Columns by which the row of a table with ways belongs. */
export function columnsOfWays({ table }: Draft): string[] {
  const isByKind = table.ways.some(({ kind }) => kind !== null)
  return [...table.ways.flatMap(({ columns }) => columns), ...(isByKind ? [kindColumn] : [])]
}

/**
 * Tables whose rows have to stay, and to keep their keys: children by a reference without a
 * foreign key, and rows to which they refer, would have no tenant without them. Rows that go take
 * rows below them along.
 */
export function heldTables({ drafts }: Drawing): ReadonlySet<string> {
  const held = new Set(
    drafts.flatMap(({ paths }) =>
      paths.filter(({ way }) => way && !way.isDeclared).map(({ parent }) => parent.table.name),
    ),
  )
  for (const { table } of drafts) for (const { table: by } of table.referredBy) held.add(by)
  for (let before = -1; before !== held.size; ) {
    before = held.size
    for (const { table, paths } of drafts) {
      if (!held.has(table.name)) continue
      for (const { parent } of paths) held.add(parent.table.name)
      if (table.tenant) held.add('tenants')
    }
  }
  return held
}

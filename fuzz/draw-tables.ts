/** Tables with keys, paths to the tenant, and values. */
import type { Column, Constraint, Table } from './case.ts'
import { literal, name, names, type Random, weighted } from './draw.ts'
import { drawValueKind, type KeyKind, type Kind, keyKinds, keyWeights } from './types.ts'

/** A table while its case is drawn: how literals of its columns are made. */
export interface Draft {
  table: Table
  /** Column → literal of the nth row. Columns of paths are not among them. */
  readonly makes: Map<string, Kind>
  readonly paths: Path[]
  /** Takes numbers from this sequence; absent: each row has an explicit key. */
  numbers: Numbers | null
}

export interface Path {
  readonly columns: readonly string[]
  readonly parent: Draft
  readonly notNull: boolean
  /** A value of the key is written otherwise than the parent has it. */
  readonly otherwise: boolean
}

export interface Numbers {
  readonly column: string
  /** As a regclass literal, once the tables are there. */
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

const plain = { notNull: false, rest: '', fills: null, reads: [], targetType: null } as const
export const markColumn: Column = { ...plain, name: 'mark', type: 'text', notNull: true }

export function typeOf(drawing: Drawing, kind: Kind): string {
  for (const need of kind.needs) drawing.needed.add(need)
  return inSchema(drawing.schema, kind.type)
}

export function inSchema(schema: string, text: string): string {
  return text.replaceAll('%s', name(schema))
}

function columnOf(
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

export function drawRoot(drawing: Drawing): void {
  const kind: Kind = keyKinds[drawing.tenantKind]
  const id = { ...columnOf(drawing, { name: 'id', kind, notNull: true }), targetType: null }
  const draft: Draft = { ...draftOf('tenants', [id, markColumn]), makes: new Map() }
  draft.table = { ...draft.table, key: ['id'], tenant: 'id' }
  addValues(drawing, draft)
  drawing.drafts.push(draft)
}

export function drawShared(drawing: Drawing, i: number): void {
  const draft = draftOf(`shared ${i}`, [markColumn])
  draft.table = { ...draft.table, shared: true }
  addKey(drawing, draft)
  addValues(drawing, draft)
  drawing.drafts.push(draft)
}

const oddNames = ['Order lines', 'user', 'r', 't"x', 'naïve']

export function drawTable(drawing: Drawing, i: number): void {
  const { random, drafts } = drawing
  const odd = oddNames[i] !== undefined && random.chance(0.15) ? oddNames[i] : undefined
  const draft = draftOf(odd ?? `t${i}`, [markColumn])
  const parents = drafts.filter(({ table }) => !table.shared && table.name !== 'tenants')
  const own = parents.length === 0 ? 'column' : weighted(random, { column: 5, child: 4, both: 2 })
  if (own !== 'child') addTenant(drawing, draft)
  if (own !== 'column') addPath(drawing, draft, { parents, isOwn: own === 'child' })
  addKey(drawing, draft)
  if (parents.length > 0 && random.chance(0.3)) {
    addPath(drawing, draft, { parents, isOwn: false })
  }
  const shared = drafts.filter(({ table }) => table.shared)
  if (shared.length > 0 && random.chance(0.35)) {
    addPath(drawing, draft, { parents: shared, isOwn: false })
  }
  addValues(drawing, draft)
  if (random.chance(0.25)) addPath(drawing, draft, { parents: [draft], isOwn: false })
  if (random.chance(0.06)) draft.table = { ...draft.table, turned: true }
  leave(drawing, draft)
  drafts.push(draft)
}

function draftOf(tableName: string, columns: readonly Column[]): Draft {
  const table: Table = {
    name: tableName,
    columns,
    key: [],
    keyKind: 'primary',
    partitioned: null,
    shared: false,
    tenant: null,
    left: false,
    turned: false,
  }
  return { table, makes: new Map(), paths: [], numbers: null }
}

function addColumns(draft: Draft, columns: readonly Column[]): void {
  draft.table = { ...draft.table, columns: [...draft.table.columns, ...columns] }
}

/** Tables that only lead to a tenant by one that stays behind stay, too. */
function leave({ random }: Drawing, draft: Draft): void {
  const [first] = draft.paths
  const left = random.chance(0.07) || draft.paths.some(({ parent }) => parent.table.left)
  if (left || (!draft.table.tenant && first?.parent.table.left)) {
    draft.table = { ...draft.table, left: true }
  }
}

function addTenant(drawing: Drawing, draft: Draft): void {
  const { random, drafts, constraints, tenantKind } = drawing
  const kind: Kind = keyKinds[tenantKind]
  const column = columnOf(drawing, { name: 'tenant_id', kind, notNull: random.chance(0.85) })
  addColumns(draft, [{ ...column, targetType: null }])
  draft.table = { ...draft.table, tenant: 'tenant_id' }
  if (!drafts.some(({ table }) => table.name === 'tenants') || random.chance(0.3)) return
  const onDelete = weighted(random, { '': 5, ' on delete cascade': 4, ' on delete restrict': 1 })
  constraints.push({
    name: `${draft.table.name} of tenant`,
    table: draft.table.name,
    columns: ['tenant_id'],
    parent: 'tenants',
    sql: `foreign key (tenant_id) references ${name(drawing.schema)}.tenants${onDelete}`,
    part: null,
  })
}

type Parents = { readonly parents: readonly Draft[]; readonly isOwn: boolean }

function addPath(drawing: Drawing, draft: Draft, { parents, isOwn }: Parents): void {
  const { random } = drawing
  const parent = random.pick(parents)
  const notNull = parent !== draft && random.chance(isOwn ? 0.85 : 0.3)
  const number = draft.paths.length + 1
  const columns: string[] = []
  for (const key of parent.table.key) {
    const found = parent.table.columns.find((column) => column.name === key)
    if (!found) return
    if (key === 'tenant_id' && draft.table.tenant) {
      columns.push(key)
      continue
    }
    const wider = found.type === 'int' && random.chance(0.05) ? 'bigint' : found.type
    const own = { ...plain, name: `p${number} ${key}`, type: wider, notNull }
    addColumns(draft, [{ ...own, targetType: found.targetType }])
    columns.push(own.name)
  }
  const otherwise = random.chance(0.5)
  draft.paths.push({ columns, parent, notNull, otherwise })
  drawing.constraints.push(foreignKey(drawing, draft, { columns, parent, notNull, otherwise }))
}

function foreignKey({ random, schema }: Drawing, draft: Draft, path: Path): Constraint {
  const own = path.columns.filter((column) => column !== 'tenant_id' || !draft.table.tenant)
  const nullable = !path.notNull && own.length > 0
  const part = own.length < path.columns.length ? ` (${names(own)})` : ''
  const onDelete = weighted(random, {
    '': 4,
    ' on delete cascade': 4,
    ' on delete restrict': 1,
    [` on delete set null${part}`]: nullable ? 2 : 0,
    [` on delete set default${part}`]: nullable ? 0.7 : 0,
  })
  const onUpdate = random.chance(0.15) ? ' on update cascade' : ''
  const late = weighted(random, { '': 8, ' deferrable': 1, ' deferrable initially deferred': 1 })
  const { table } = path.parent
  const to = `${name(schema)}.${name(table.name)} (${names(table.key)})`
  return {
    name: `${draft.table.name} to ${table.name} ${draft.paths.length}`,
    table: draft.table.name,
    columns: path.columns,
    parent: table.name,
    sql: `foreign key (${names(path.columns)}) references ${to}${onDelete}${onUpdate}${late}`,
    part: null,
  }
}

function addKey(drawing: Drawing, draft: Draft): void {
  const { random } = drawing
  const { tenant } = draft.table
  const [first] = draft.paths
  const shape = weighted(random, {
    plain: 10,
    tenant: tenant ? 3 : 0,
    day: 1,
    parent: first?.notNull && !tenant ? 2 : 0,
  })
  const isLine = shape === 'parent' || shape === 'day'
  const kindName = isLine ? 'int' : weighted(random, keyWeights)
  const kind: Kind = keyKinds[kindName]
  const column = columnOf(drawing, { name: 'id', kind, notNull: true })
  const key = { ...column, ...(isLine ? {} : numbering(drawing, draft, kindName)) }
  draft.makes.set('id', kindOfNumbers(draft.numbers, kind))
  addColumns(draft, [key])
  let columns = ['id']
  if (shape === 'tenant') columns = ['tenant_id', 'id']
  if (shape === 'parent') columns = [...(first?.columns ?? []), 'id']
  if (shape === 'day') {
    addColumns(draft, [{ ...plain, name: 'day', type: 'date', notNull: true }])
    draft.makes.set('day', keyKinds.date)
    columns = ['day', 'id']
  }
  const keyed = new Set(columns)
  const hashes = kindName !== 'mood_pair' && kindName !== 'isbn'
  draft.table = {
    ...draft.table,
    key: columns,
    keyKind: random.chance(0.05) ? 'unique' : 'primary',
    columns: draft.table.columns.map((c) => (keyed.has(c.name) ? { ...c, notNull: true } : c)),
    partitioned: random.chance(0.12) && hashes ? { parts: ['p0', 'p1'] } : null,
  }
}

/** How the key gets numbers by itself. */
function numbering(drawing: Drawing, draft: Draft, kind: KeyKind): Partial<Column> {
  const { random, schema } = drawing
  const own = `${name(schema)}.${name(draft.table.name)}`
  if (kind === 'uuid' && random.chance(0.5)) return { rest: 'default gen_random_uuid()' }
  if (kind === 'text' && random.chance(0.5)) {
    drawing.needed.add('texts')
    return take(draft, 'texts', { schema, default: (next) => `'INV-' || ${next}` })
  }
  if (kind !== 'int' && kind !== 'bigint' && kind !== 'positive') return {}
  const how = weighted(random, { none: 2, identity: 4, always: 2, free: 2, down: 1 })
  if (how === 'none') return {}
  if (how === 'free' || (how === 'down' && kind !== 'positive')) {
    const sequence = how === 'free' ? 'numbers' : 'down'
    drawing.needed.add(sequence)
    return take(draft, sequence, { schema, default: (next) => next })
  }
  if (kind === 'positive') return {}
  const sequence = `pg_get_serial_sequence(${literal(own)}, 'id')`
  draft.numbers = { column: 'id', sequence, descending: false }
  const rest = `generated ${how === 'always' ? 'always' : 'by default'} as identity`
  return { rest, fills: 'number' }
}

function take(
  draft: Draft,
  sequence: string,
  { schema, default: of }: { schema: string; default: (next: string) => string },
): Partial<Column> {
  const regclass = literal(`${name(schema)}.${sequence}`)
  draft.numbers = { column: 'id', sequence: regclass, descending: sequence === 'down' }
  return { rest: `default ${of(`nextval(${regclass})`)}`, fills: 'number' }
}

function kindOfNumbers(numbers: Numbers | null, kind: Kind): Kind {
  if (numbers?.descending) return { ...kind, of: (n) => `-${n}` }
  return numbers?.sequence.includes('texts') ? { ...kind, of: (n) => `'INV-${n}'` } : kind
}

function addValues(drawing: Drawing, draft: Draft): void {
  const { random } = drawing
  for (let i = random.between(0, 4); i > 0; i -= 1) {
    const kind = drawValueKind(random)
    const column = columnOf(drawing, { name: `v${i}`, kind, notNull: false })
    draft.makes.set(column.name, kind)
    addColumns(draft, [column])
  }
  if (random.chance(0.12)) {
    const rest = `generated always as (length(mark)${random.chance(0.5) ? ' * 2' : ''}) stored`
    const made: Column = {
      ...plain,
      name: 'made',
      type: 'int',
      notNull: false,
      rest,
      fills: 'generated',
      reads: ['mark'],
      targetType: null,
    }
    addColumns(draft, [made])
  }
}

/** Tables with keys, paths to the tenant, and values. */
import type { Column, Table } from '../cases/case.ts'
import { addColumns, columnOf, type Draft, type Drawing, markColumn } from './draft.ts'
import { name, weighted } from './draw.ts'
import { addKey, addValues } from './draw-keys.ts'
import { addPath } from './draw-paths.ts'
import { addOwnWay, addWays, hasWays } from './draw-ways.ts'
import { type Kind, keyKinds } from './types.ts'

export function drawRoot(drawing: Drawing): void {
  const kind: Kind = keyKinds[drawing.tenantKind]
  const id = { ...columnOf(drawing, { name: 'id', kind, notNull: true }), targetType: null }
  const draft: Draft = { ...draftOf('tenants', [id, markColumn]), makes: new Map() }
  draft.table = { ...draft.table, key: ['id'], tenant: 'id' }
  addValues(drawing, draft)
  drawing.drafts.push(draft)
}

export function drawShared(drawing: Drawing, i: number): void {
  const { random } = drawing
  const draft = draftOf(`shared ${i}`, [markColumn])
  draft.table = { ...draft.table, shared: true, outside: random.chance(0.1) ? outside : null }
  addKey(drawing, draft)
  const others = drawing.drafts.filter(({ table }) => table.shared && !table.outside)
  if (others.length > 0 && !draft.table.outside && random.chance(0.5)) {
    addPath(drawing, draft, { parents: others, isOwn: false })
  }
  addValues(drawing, draft)
  drawing.drafts.push(draft)
}

const outside = 'Outside'

/** A child table in another schema. Drawn last, so that no table refers to it. */
export function drawOutside(drawing: Drawing): void {
  const { random, drafts } = drawing
  const parents = drafts.filter(({ table }) => !table.shared && table.keyKind !== 'temporal')
  if (parents.length === 0) return
  const draft = draftOf('far child', [markColumn])
  draft.table = { ...draft.table, outside, left: true }
  addPath(drawing, draft, { parents, isOwn: random.chance(0.7) })
  addKey(drawing, draft)
  drafts.push(draft)
}

/** One column, whose type a plan can follow without a foreign key. */
export function hasPlainKey({ table: { key, keyKind, columns } }: Draft): boolean {
  const type = columns.find((column) => column.name === key[0])?.type ?? ''
  const isPlain = /^(int|bigint|uuid|text|varchar)\b/.test(type) && !type.includes('collate')
  return key.length === 1 && keyKind === 'primary' && isPlain
}

/** A table to whose rows those of another one refer, once for each of them or more often. */
export function drawReferred(drawing: Drawing): void {
  const { random, drafts } = drawing
  const referrers = drafts.filter(
    ({ table }) => !table.shared && !table.left && table.keyKind !== 'temporal',
  )
  if (referrers.length === 0) return
  const draft = draftOf('referred', [markColumn])
  addKey(drawing, draft)
  if (!hasPlainKey(draft)) return
  addValues(drawing, draft)
  const referrer = random.pick(referrers)
  const before = referrer.paths.length
  addPath(drawing, referrer, { parents: [draft], isOwn: false, isBack: true })
  const [column] = referrer.paths[before]?.columns ?? []
  if (column === undefined) return
  const by = { table: referrer.table.name, column }
  draft.table = { ...draft.table, referredBy: [by] }
  drafts.push(draft)
}

const oddNames = ['Order lines', 'user', 'r', 't"x', 'naïve']

export function drawTable(drawing: Drawing, i: number): void {
  const { random, drafts } = drawing
  const odd = oddNames[i] !== undefined && random.chance(0.15) ? oddNames[i] : undefined
  const draft = draftOf(odd ?? `t${i}`, [markColumn])
  const parents = drafts.filter(({ table }) => !table.shared && table.name !== 'tenants')
  const own =
    parents.length === 0 ? 'column' : weighted(random, { column: 5, child: 4, both: 2, ways: 3 })
  // A row that refers to periods may have several parents.
  const single = parents.filter(({ table }) => table.keyKind !== 'temporal')
  const isChild = own === 'child' && single.length > 0
  if (own === 'ways' && single.length > 0) addWays(drawing, draft, single)
  if (!isChild && !hasWays(draft)) addTenant(drawing, draft)
  if (own === 'child' || own === 'both')
    addPath(drawing, draft, { parents: isChild ? single : parents, isOwn: isChild })
  addKey(drawing, draft)
  addOwnWay(drawing, draft)
  if (parents.length > 0 && random.chance(0.3)) {
    addPath(drawing, draft, { parents, isOwn: false })
  }
  const shared = drafts.filter(({ table }) => table.shared)
  if (shared.length > 0 && random.chance(0.45)) {
    addPath(drawing, draft, { parents: shared, isOwn: false })
  }
  addValues(drawing, draft)
  if (random.chance(0.25)) addPath(drawing, draft, { parents: [draft], isOwn: false })
  if (random.chance(0.06)) draft.table = { ...draft.table, turned: true }
  if (random.chance(0.1)) draft.table = { ...draft.table, gone: random.pick(['source', 'target']) }
  leave(drawing, draft)
  drafts.push(draft)
}

function draftOf(tableName: string, columns: readonly Column[]): Draft {
  const table: Table = {
    name: tableName,
    outside: null,
    columns,
    key: [],
    keyKind: 'primary',
    partitioned: null,
    shared: false,
    brought: false,
    knownBy: null,
    referredBy: [],
    tenant: null,
    ways: [],
    left: false,
    turned: false,
    gone: null,
  }
  return { table, makes: new Map(), paths: [], numbers: null, ownWay: false }
}

/** A table refers to one that refers to it. */
export function drawCycle(drawing: Drawing): void {
  const { random, drafts } = drawing
  const children = drafts.filter(({ paths }) =>
    paths.some(({ parent }) => !parent.table.shared && parent.table.name !== 'tenants'),
  )
  if (children.length === 0) return
  const child = random.pick(children)
  const [path] = child.paths.filter(({ parent }) => !parent.table.shared && parent !== child)
  if (!path || path.parent.table.left !== child.table.left) return
  addPath(drawing, path.parent, { parents: [child], isOwn: false, isBack: true })
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
    parentPart: null,
    part: null,
    only: null,
  })
}

/** The story of tenant `a`, and the writes meanwhile. */
import type { Errand, Owner, Row, Step, Story, Transaction, Write } from '../cases/case.ts'
import type { Draft, Drawing } from './draft.ts'
import { literal, weighted } from './draw.ts'
import { drawRow } from './draw-rows.ts'
import { columnsOfWays, hasWays, heldTables, valuesOfWays, wayValues } from './draw-ways.ts'
import type { Rows } from './parents.ts'

type StoryKind = 'cleanup' | 'back' | 'backClean' | 'again' | 'rehearse' | 'withdraw' | 'stopped'

const stories: Readonly<Record<StoryKind, readonly (Errand | 'write')[]>> = {
  cleanup: ['write', 'move', 'write', 'finalize', 'cleanup', 'write'],
  back: ['move', 'write', 'rollback', 'write'],
  backClean: ['move', 'write', 'audit', 'rollback', 'write', 'cleanup'],
  again: ['move', 'write', 'rollback', 'write', 'move', 'finalize', 'cleanup'],
  rehearse: ['rehearse', 'write', 'move', 'write'],
  withdraw: ['move', 'write', 'move', 'write'],
  stopped: ['move', 'write', 'finalize', 'cleanup'],
}

export function drawStory(drawing: Drawing, rows: Rows): Story {
  const { random } = drawing
  const kind = weighted<StoryKind>(random, {
    cleanup: 5,
    back: 4,
    backClean: 2,
    again: 2,
    rehearse: 2,
    withdraw: 2,
    stopped: 3,
  })
  const strategy = random.chance(0.55) ? 'online' : 'offline'
  const windowMs = strategy === 'online' || random.chance(0.4) ? 3_600_000 : 0
  const role = weighted(random, {
    superuser: 2,
    replicating: 4,
    plain: 3,
  })
  let moves = 0
  const steps = stories[kind].map((what): Step => {
    if (what === 'move') moves += 1
    const isFirst = what === 'move' && moves === 1
    const stops = isFirst ? kind === 'withdraw' || kind === 'stopped' : random.chance(0.2)
    return {
      do: what,
      writes: writesOf(drawing, rows, { what, isFirst: moves <= 1 }),
      stopAt: stops && what !== 'write' && what !== 'rehearse' ? random.between(5, 70) : null,
      withdraw: stops && isFirst && kind === 'withdraw',
    }
  })
  const over = weighted(random, { none: 6, source: 1, target: 1, both: 2 })
  return {
    ...{ kind, strategy, windowMs, role, parted: random.chance(0.5), steps },
    shapes: { source: 'column', target: 'column' },
    over: over === 'none' ? [] : over === 'both' ? ['source', 'target'] : [over],
  }
}

type Moment = { readonly what: Errand | 'write'; readonly isFirst: boolean }

function writesOf(drawing: Drawing, rows: Rows, { what, isFirst }: Moment): Step['writes'] {
  const { random } = drawing
  const isErrand = what !== 'write'
  const count = what === 'write' ? random.between(1, 4) : isErrand ? random.between(0, 6) : 0
  const all: Transaction[] = []
  for (let i = 0; i < count; i += 1) {
    // Others write at the source, where they stay.
    const owner: Owner = isFirst && what === 'move' && random.chance(0.2) ? 'b' : 'a'
    const drawn = drawTransaction(drawing, rows, { owner, isFirst })
    const writes = keepsParents(drawing, drawn) ? drawn : []
    const isolation = weighted(random, {
      ...{ 'read committed': 6, 'repeatable read': 1, serializable: 1 },
    })
    const holdMs = isErrand ? random.pick([0, 0, 0, 100, 400]) : 0
    const at = random.between(1, 80)
    if (writes.length > 0) all.push({ at, isolation, holdMs, writes })
  }
  // Rows come in the order in which they were drawn: later ones may refer to earlier ones.
  const moments = all.map(({ at }) => at).sort((left, right) => left - right)
  return all.map((one, i) => ({ ...one, at: moments[i] ?? one.at }))
}

interface Whose {
  readonly owner: Owner
  /** true before the first move: tenants are at one end. */
  readonly isFirst: boolean
}

/** Whether no row is left without the parent that alone tells its tenant. */
function keepsParents(drawing: Drawing, writes: readonly Write[]): boolean {
  const held = heldTables(drawing)
  return writes.every((write) => {
    if (write.kind === 'insert' || write.kind === 'copy' || !held.has(write.table)) return true
    if (write.kind !== 'update') return write.kind === 'update all'
    const draft = drawing.drafts.find(({ table }) => table.name === write.table)
    return !draft?.table.key.some((column) => column in write.set)
  })
}

/** One write, several, or a row that goes and comes again. */
function drawTransaction(drawing: Drawing, rows: Rows, { owner, isFirst }: Whose): Write[] {
  const { random } = drawing
  const kind = weighted(random, {
    ...{ one: 8, several: 2, again: 1, whole: 1, copy: 1.5, adopt: isFirst ? 0.7 : 0, early: 1 },
    referred: drawing.drafts.some(({ table }) => table.referredBy.length > 0) ? 4 : 0,
  })
  if (kind === 'referred') return drawReferring(drawing, rows, owner)
  if (kind === 'early') return drawEarly(drawing, rows, owner)
  if (kind === 'whole') return drawWhole(drawing, rows)
  if (kind === 'again') {
    const row = random.pick([...rows.all.filter((one) => one.owner === owner), null])
    if (!row || row.table === 'tenants') return []
    return [
      { kind: 'delete', table: row.table, mark: row.mark },
      { kind: 'insert', row },
    ]
  }
  if (kind === 'copy') return drawCopy(drawing, rows, owner)
  if (kind === 'adopt') return drawAdoption(drawing, rows)
  const count = kind === 'one' ? 1 : random.between(2, 4)
  return Array.from({ length: count }).flatMap(() => drawWrite(drawing, rows, owner) ?? [])
}

/** A row that comes before the parent to which it refers without a foreign key. */
function drawEarly(drawing: Drawing, rows: Rows, owner: Owner): Write[] {
  const { random, drafts } = drawing
  const paths = drafts.flatMap((draft) => draft.paths.map((path) => ({ draft, path })))
  const fitting = paths.filter(({ draft, path: { way, parent } }) => {
    return way && !way.isDeclared && parent !== draft && !parent.numbers
  })
  if (fitting.length === 0) return []
  const { draft, path } = random.pick(fitting)
  if (path.parent.table.name === 'tenants') return []
  const parent = drawRow(drawing, path.parent, { rows, owner })
  const child = parent && drawRow(drawing, draft, { rows, owner })
  if (!parent || !child) return []
  const others = columnsOfWays(draft)
  const own = Object.entries(child.values).filter(([column]) => !others.includes(column))
  const values = { ...Object.fromEntries(own), ...wayValues(path, parent, rows) }
  return [
    { kind: 'insert', row: withoutNumber(draft, { ...child, values }) },
    { kind: 'insert', row: parent },
  ]
}

/** A row that others refer to, and then one that does. */
function drawReferring(drawing: Drawing, rows: Rows, owner: Owner): Write[] {
  const referred = drawing.drafts.find(({ table }) => table.referredBy.length > 0)
  const [by] = referred?.table.referredBy ?? []
  const draft = drawing.drafts.find(({ table }) => table.name === by?.table)
  if (!referred || !draft || !by || referred.numbers || draft.table.name === 'tenants') return []
  const to = drawRow(drawing, referred, { rows, owner, isReferred: true })
  const row = to && drawRow(drawing, draft, { rows, owner })
  if (!to || !row) return []
  const value = to.values[referred.table.key[0] ?? ''] ?? 'null'
  const values = { ...row.values, [by.column]: value }
  return [
    { kind: 'insert', row: to },
    { kind: 'insert', row: withoutNumber(draft, { ...row, values }) },
  ]
}

/** Several new rows by COPY, with keys that are known. */
function drawCopy(drawing: Drawing, rows: Rows, owner: Owner): Write[] {
  const { random, drafts } = drawing
  const fitting = drafts.filter(
    ({ table, numbers }) => !table.shared && table.name !== 'tenants' && !numbers,
  )
  if (fitting.length === 0) return []
  const draft = random.pick(fitting)
  const count = random.between(1, 5)
  const drawn = Array.from({ length: count }).flatMap(
    () => drawRow(drawing, draft, { rows, owner }) ?? [],
  )
  return drawn.length > 0 ? [{ kind: 'copy', table: draft.table.name, rows: drawn }] : []
}

/** One statement on a whole table. */
function drawWhole({ random, drafts }: Drawing, rows: Rows): Write[] {
  const { table, makes } = random.pick(drafts.filter((one) => !one.table.shared))
  if (random.chance(0.15)) {
    return [{ kind: 'truncate', table: table.name, cascade: random.chance(0.5) }]
  }
  const whose = random.pick(['a', 'all'] as const)
  const values = [...makes].filter(([column]) => !table.key.includes(column))
  if (values.length === 0 || random.chance(0.15)) {
    return [{ kind: 'delete all', table: table.name, whose: 'a', set: {} }]
  }
  const [column, kind] = random.pick(values)
  const set = { [column]: kind.of(++rows.next) }
  return [{ kind: 'update all', table: table.name, whose, set }]
}

/** A row becomes another tenant's, where nothing else ties it to its own. */
function drawAdoption({ random, drafts }: Drawing, rows: Rows): Write[] {
  const isFree = ({ table, paths }: Draft) =>
    table.tenant === 'tenant_id' &&
    !table.key.includes('tenant_id') &&
    paths.every(({ parent }) => parent.table.shared) &&
    !drafts.some((other) => other.paths.some(({ parent }) => parent.table === table))
  const free = new Set(drafts.filter(isFree).map(({ table }) => table.name))
  const found = rows.all.filter(({ table, owner }) => free.has(table) && 'abc'.includes(owner))
  if (found.length === 0) return []
  const row = random.pick(found)
  const { table, mark, owner } = row
  // Writes that are drawn later leave it alone.
  rows.all.splice(rows.all.indexOf(row), 1)
  const other = owner === 'a' ? 'b' : 'a'
  const set = { tenant_id: rows.tenantIds[other], mark: literal(`${other}/${++rows.next}`) }
  return [{ kind: 'update', table, mark, set }]
}

function drawWrite(drawing: Drawing, rows: Rows, owner: Owner): Write | null {
  const { random } = drawing
  const draft = random.pick(drawing.drafts.filter(({ table }) => !table.shared))
  const kind = weighted(random, { insert: 4, update: 5, delete: 2 })
  if (kind === 'insert') {
    if (draft.table.name === 'tenants') return null
    const row = drawRow(drawing, draft, { rows, owner })
    if (!row) return null
    const written = withoutNumber(draft, row)
    // Rows that are written later may refer to it where its key is known.
    if (!draft.numbers && random.chance(0.5)) rows.all.push(row)
    return { kind, row: written }
  }
  const own = rows.all.filter((row) => row.table === draft.table.name && row.owner === owner)
  if (own.length === 0) return null
  const { mark } = random.pick(own)
  if (kind === 'delete') {
    return draft.table.name === 'tenants' ? null : { kind, table: draft.table.name, mark }
  }
  const set = drawSet(drawing, draft, { rows, owner, mark })
  return Object.keys(set).length > 0 ? { kind, table: draft.table.name, mark, set } : null
}

/** The column that takes a number by itself is left to do so. */
function withoutNumber(draft: Draft, row: Row): Row {
  if (!draft.numbers) return row
  const { [draft.numbers.column]: _, ...values } = row.values
  return { ...row, values }
}

interface OfRow {
  readonly rows: Rows
  readonly owner: Owner
  readonly mark: string
}

/** Other values, another parent, or another key. */
function drawSet(
  drawing: Drawing,
  draft: Draft,
  { rows, owner, mark }: OfRow,
): Record<string, string> {
  const { random } = drawing
  const { table, makes, numbers, paths } = draft
  const n = ++rows.next
  const set: Record<string, string> = {}
  for (const [column, kind] of makes) {
    const isKey = table.key.includes(column)
    if (isKey && numbers?.column === column) continue
    if (!random.chance(isKey ? 0.1 : 0.5)) continue
    const now = rows.numbers.get(mark)
    const again = isKey && now !== undefined && random.chance(0.5) ? kind.again?.(now) : undefined
    set[column] = again ?? kind.of(n)
  }
  const other = drawRow(drawing, draft, { rows, owner })
  if (hasWays(draft) && random.chance(0.3)) {
    const ways = valuesOfWays(drawing, draft, { rows, owner, isNew: false })
    for (const column of ways ? columnsOfWays(draft) : []) set[column] = ways?.[column] ?? 'null'
  }
  for (const { columns, way } of paths) {
    if (way || !random.chance(0.2) || columns.some((column) => table.key.includes(column))) continue
    for (const column of columns) {
      if (column === table.tenant) continue
      const value = other?.values[column]
      if (value !== undefined) set[column] = value
    }
  }
  return set
}

/** One row for each table, whose number is left to its sequence. */
export function drawProbes(drawing: Drawing, rows: Rows): Row[] {
  return drawing.drafts
    .filter(({ table, numbers }) => numbers && !table.shared)
    .flatMap((draft) => {
      const row = drawRow(drawing, draft, { rows, owner: 'a' })
      return row ? [withoutNumber(draft, row)] : []
    })
}

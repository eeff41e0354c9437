/** Shared tables whose rows the plan brings, and which of these the target lacks. */
import type { Row } from '../cases/case.ts'
import { addColumns, type Draft, type Drawing, plain } from './draft.ts'
import { literal, name } from './draw.ts'
import { hasPlainKey } from './draw-tables.ts'
import type { Rows } from './parents.ts'

/** Once all tables are there. */
export function drawBrought(drawing: Drawing): void {
  const { random, drafts, constraints } = drawing
  // Tables refer to those that were drawn before them.
  for (const draft of drafts.toReversed()) {
    const { table } = draft
    const keys = constraints.filter(({ parent }) => parent === table.name)
    const isPlain = table.shared && !table.outside && hasPlainKey(draft)
    const areWhole = keys.every(({ parentPart, part }) => parentPart === null && part === null)
    const isNeeded = keys.some((key) => drafts.some((other) => isMoving(other, key.table)))
    if (!isPlain || !areWhole || !isNeeded) continue
    if (random.chance(0.8)) draft.table = { ...table, brought: true }
  }
  for (const draft of drafts) {
    if (draft.table.brought && mayRenumber(drawing, draft) && random.chance(0.5)) {
      knowByName(drawing, draft)
    }
  }
}

const knownBy = 'known by'

/** Nothing but plain references has its ids. */
function mayRenumber({ drafts, constraints }: Drawing, { table }: Draft): boolean {
  const isAsItIs = (name: string, column: string) => {
    const child = drafts.find((one) => one.table.name === name)?.table
    const own = child?.columns.find((one) => one.name === column)
    const others = constraints.filter((one) => one.table === name && one.columns.includes(column))
    return (
      own?.targetType === null &&
      others.length === 1 &&
      !child?.key.includes(column) &&
      !child?.columns.some(({ reads, becomes }) => reads.includes(column) || becomes !== null)
    )
  }
  const key = table.columns.find(({ name }) => name === table.key[0])
  return (
    key?.targetType === null &&
    table.partitioned === null &&
    constraints
      .filter(({ parent }) => parent === table.name)
      .every((one) => isAsItIs(one.table, one.columns[0] ?? ''))
  )
}

function knowByName({ constraints }: Drawing, draft: Draft): void {
  addColumns(draft, [{ ...plain, name: knownBy, type: 'text', notNull: true }])
  draft.makes.set(knownBy, { type: 'text', needs: [], of: (n) => literal(`known ${n}`) })
  draft.table = { ...draft.table, knownBy }
  const { name: table } = draft.table
  const sql = `unique (${name(knownBy)})`
  const of = { table, columns: [knownBy], parent: null, parentPart: null, part: null, only: null }
  constraints.push({ ...of, name: `${table} known`, sql })
}

function isMoving({ table }: Draft, name: string): boolean {
  const isOwned = !table.left && !table.outside && !table.shared
  return table.name === name && (isOwned || table.brought)
}

/** Rows at the target need those to which they refer. */
export function drawAbsent({ random, drafts }: Drawing, rows: Rows): void {
  const brought = drafts.filter(({ table }) => table.brought).map(({ table }) => table.name)
  const shared = drafts.filter(({ table }) => table.shared).map(({ table }) => table.name)
  const isThere = ({ owner, table }: Row) => owner === 'd' || shared.includes(table)
  const fixed = rows.all.filter((row) => isThere(row) && !brought.includes(row.table))
  const kept = new Set(fixed.flatMap(({ mark }) => rows.needs.get(mark) ?? []))
  for (const name of brought.toReversed()) {
    for (const [i, row] of rows.all.entries()) {
      if (row.table !== name) continue
      if (!kept.has(row.mark) && random.chance(0.6)) rows.all[i] = { ...row, absent: true }
      else for (const need of rows.needs.get(row.mark) ?? []) kept.add(need)
    }
  }
  for (const draft of drafts) if (draft.table.knownBy !== null) renumber(random, draft, rows)
}

/**
 * Rows have each other's ids at the target, and where a sequence makes ids also those of rows that
 * are not there yet.
 */
function renumber(random: Drawing['random'], { table, numbers }: Draft, rows: Rows): void {
  const [key = ''] = table.key
  const all = rows.all.filter((row) => row.table === table.name)
  const present = all.filter(({ absent }) => !absent)
  const from = (numbers ? all : present).flatMap(({ values }) => values[key] ?? [])
  const shift = random.between(0, from.length)
  const ids = from.map((_, i) => from[(i + shift) % from.length] ?? '')
  for (const [i, row] of rows.all.entries()) {
    const id = ids[present.indexOf(row)]
    if (id !== undefined) rows.all[i] = { ...row, there: { [key]: id } }
  }
}

/** Shared tables whose rows the plan brings, and which of these the target lacks. */
import type { Row } from '../cases/case.ts'
import type { Draft, Drawing } from './draft.ts'
import { hasPlainKey } from './draw-tables.ts'
import type { Rows } from './parents.ts'

/** Once all tables are there. */
export function drawBrought({ random, drafts, constraints }: Drawing): void {
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
}

/**
 * Tenants that are a schema or a database of their own, at one end or both: the case is the same,
 * and such an end has rows of its tenant alone. Drawn last, and by itself: what else is drawn of a
 * number stays as it is.
 */
import type { Case, EndName, Row, Shape, Step, Transaction, Write } from '../cases/case.ts'
import { randomOfCase, weighted } from './draw.ts'

const share = 0.4

/** The case as it is, where rows that are left out are referred to. */
export function inShapes(kase: Case): Case {
  const random = randomOfCase(kase.seed, kase.number, 'shapes')
  if (!random.chance(share)) return kase
  const shape = () => weighted<Shape>(random, { column: 1, schema: 1, database: 1 })
  const shapes = { source: shape(), target: shape() }
  if (shapes.source === 'column' && shapes.target === 'column') return kase
  // Shared rows do not come to such an end.
  if (kase.tables.some(({ brought }) => brought) || kase.rows.some(({ stray }) => stray))
    return kase
  const rows = kase.rows.filter((row) => isThere(kase, shapes, row))
  const left = kase.rows.filter((row) => !rows.includes(row))
  if (rows.some((row) => left.some((other) => mayRefer(kase, row, other)))) return kase
  const steps = shapes.source === 'column' ? kase.story.steps : kase.story.steps.map(ofOneTenant)
  return { ...kase, rows, story: { ...kase.story, steps, shapes, over: [] } }
}

function isThere(
  { tables }: Case,
  { source, target }: Readonly<Record<EndName, Shape>>,
  { table, owner }: Row,
): boolean {
  if (owner === 'a' || tables.some((one) => one.name === table && one.shared)) return true
  if (owner === 'd') return target === 'column'
  // Rows of others, and those of no tenant, would be the tenant's at such an end.
  return source === 'column'
}

/** A key of the row may lead to the other one. */
function mayRefer({ constraints }: Case, row: Row, other: Row): boolean {
  const values = Object.values(other.values)
  return constraints.some(({ table, parent, columns }) => {
    if (table !== row.table || parent !== other.table) return false
    return columns.every((column) => values.includes(row.values[column] ?? 'null'))
  })
}

function ofOneTenant(step: Step): Step {
  const writes = step.writes
    .map((one): Transaction => ({ ...one, writes: one.writes.filter(isOfTenant) }))
    .filter((one) => one.writes.length > 0)
  return { ...step, writes }
}

function isOfTenant(write: Write): boolean {
  if (write.kind === 'insert') return write.row.owner === 'a'
  if (write.kind === 'copy') return write.rows.every(({ owner }) => owner === 'a')
  if (write.kind === 'delete') return write.mark.startsWith('a/')
  // Where the mark changes the row becomes another tenant's.
  return write.kind !== 'update' || (write.mark.startsWith('a/') && !('mark' in write.set))
}

/** Which changes of a column's type leave its rows as they are, measured on PostgreSQL. Pure. */
import type { ColumnType } from './nodes.ts'

export function rewritesBetween(before: ColumnType, after: ColumnType): boolean {
  if (before.array || after.array) return !isEqual(before, after)
  if (isEqual(before, after)) return false
  const [from] = before.modifiers
  const [to] = after.modifiers
  if (before.name === 'varchar' && after.name === 'text') return false
  if (before.name === 'text' && after.name === 'varchar') return to !== undefined
  if (before.name === 'cidr' && after.name === 'inet') return false
  if (before.name !== after.name) return true
  if (after.modifiers.length === 0) return after.name === 'bpchar'
  if (from === undefined || to === undefined) return true
  if (/^(?:varchar|varbit|time|timetz|timestamp|timestamptz)$/.test(after.name)) return to < from
  if (after.name !== 'numeric') return true
  return to < from || (before.modifiers[1] ?? 0) !== (after.modifiers[1] ?? 0)
}

function isEqual(left: ColumnType, right: ColumnType): boolean {
  return (
    left.name === right.name &&
    left.array === right.array &&
    left.modifiers.join() === right.modifiers.join()
  )
}

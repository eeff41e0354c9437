/** The rows of a case while they are drawn, and which of them a row may refer to. */
import type { Owner, Row } from '../cases/case.ts'
import { border, type Draft, type Path } from './draft.ts'

export interface Rows {
  readonly all: Row[]
  /** Mark → the number that its key was made of. */
  readonly numbers: Map<string, number>
  readonly tenantIds: Readonly<Record<Owner, string>>
  /** Some rows lead to their tenant by another path than the first. */
  readonly strays: boolean
  /** Some rows refer to rows of another tenant. */
  readonly crosses: boolean
  /** Mark of a row → marks of shared rows to which it refers. */
  readonly needs: Map<string, string[]>
  next: number
}

export interface RowOf {
  readonly rows: Rows
  readonly owner: Owner
  /** A row of the owner will refer to it. */
  readonly isReferred?: true
}

export function parentOf(
  draft: Draft,
  { parent, toPart }: Path,
  { rows, owner }: { rows: Rows; owner: Owner },
): readonly Row[] | null {
  const wanted: Owner = parent.table.shared ? '-' : owner
  const isThere = ({ mark }: Row) => !toPart || (rows.numbers.get(mark) ?? border) < border
  const found = rows.all.filter(
    (row) => row.table === parent.table.name && row.owner === wanted && isThere(row),
  )
  const usable = parent === draft ? found.slice(-3) : found
  return usable.length > 0 ? usable : null
}

export function keyOf(path: Path, parent: Row, rows: Rows): Record<string, string> {
  const n = rows.numbers.get(parent.mark)
  const entries = path.parent.table.key.map((key, i) => {
    const kind = path.parent.makes.get(key)
    const otherwise = path.otherwise && n !== undefined ? kind?.again?.(n) : undefined
    return [path.columns[i] ?? '', otherwise ?? parent.values[key] ?? 'null']
  })
  return Object.fromEntries(entries)
}

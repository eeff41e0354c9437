/** Rows of the three tenants, of the target's own one, and without a tenant. */
import type { Owner, Row } from './case.ts'
import { border, type Draft, type Drawing, type Path } from './draft.ts'
import { literal } from './draw.ts'
import { type Kind, keyKinds } from './types.ts'

/** Where rows of the target's own tenant begin to be counted. */
const elsewhere = 500_000

export interface Rows {
  readonly all: Row[]
  /** Mark → the number that its key was made of. */
  readonly numbers: Map<string, number>
  readonly tenantIds: Readonly<Record<Owner, string>>
  /** Some rows lead to their tenant by another path than the first. */
  readonly strays: boolean
  /** Some rows refer to rows of another tenant. */
  readonly crosses: boolean
  next: number
}

export function tenantIdsOf(drawing: Drawing): Record<Owner, string> {
  const { tenantKind, random } = drawing
  const kind: Kind = keyKinds[tenantKind]
  const hostile = tenantKind === 'text' && random.chance(0.3)
  return {
    a: hostile ? literal(`a'";\\ %_$1 ü`) : kind.of(1),
    b: hostile ? literal(`a'";\\ %_$1 Ü`) : kind.of(2),
    c: kind.of(3),
    d: kind.of(4),
    '-': 'null',
  }
}

export function drawRows(drawing: Drawing, rows: Rows): void {
  const { random } = drawing
  for (const draft of drawing.drafts) {
    const { table } = draft
    const owners: Owner[] = table.shared ? ['-'] : ['a', 'b', 'c', 'd', '-']
    for (const owner of owners) {
      const most = owner === 'a' ? 6 : 3
      const count =
        table.name === 'tenants'
          ? owner === '-'
            ? 0
            : 1
          : random.between(owner === 'a' ? 1 : 0, most)
      for (let i = 0; i < count; i += 1) {
        const row = drawRow(drawing, draft, { rows, owner })
        if (row) rows.all.push(row)
      }
    }
  }
}

/** null: its paths find no parent. */
export function drawRow(
  { random }: Drawing,
  draft: Draft,
  { rows, owner }: { readonly rows: Rows; readonly owner: Owner },
): Row | null {
  const { table, makes } = draft
  const n = (owner === 'd' ? elsewhere : 0) + ++rows.next
  const mark = `${owner}/${n}`
  const values: Record<string, string> = { mark: literal(mark) }
  for (const [column, kind] of makes) {
    const notNull = table.columns.find(({ name }) => name === column)?.notNull
    if (notNull || random.chance(0.85)) values[column] = kind.of(n)
  }
  const keepsOut = isStray(draft, { rows, owner, chance: random.chance(0.3) })
  if (table.tenant) {
    const needed = table.columns.find(({ name }) => name === table.tenant)?.notNull
    if (owner === '-' && needed) return null
    if (!keepsOut) values[table.tenant] = rows.tenantIds[owner]
  }
  const found = !!values[table.tenant ?? '']
  const [first] = draft.paths.filter(({ parent }) => !parent.table.shared && parent !== draft)
  let led = owner === '-' || found
  let crosses = false
  for (const path of draft.paths) {
    if (path.isBack) continue
    const parents = parentOf(draft, path, { rows, owner })
    const skip = !path.notNull && (led || rows.strays) && random.chance(0.4)
    if (!parents && path.notNull) return null
    if (!parents || skip) continue
    const parent = random.pick(parents)
    const other = path === first ? null : otherOwners(path, { rows, owner })
    if (other && other.length > 0 && random.chance(0.2)) {
      Object.assign(values, keyOf(path, random.pick(other), rows))
      crosses = true
      continue
    }
    Object.assign(values, keyOf(path, parent, rows))
    if (!path.parent.table.shared) led = true
  }
  if (!led) return null
  // The plan finds rows by the tenant's column where there is one.
  const leads = !table.tenant && (first?.columns ?? []).every((column) => column in values)
  const isFound = found || owner === '-' || leads
  if (!isFound && !rows.strays) return null
  const stray = !isFound || crosses
  rows.numbers.set(mark, n)
  return { table: table.name, mark, owner, values, stray }
}

/** A row without the tenant's id, which another row of the tenant is the parent of. */
function isStray(
  { table, paths }: Draft,
  { rows, owner, chance }: { rows: Rows; owner: Owner; chance: unknown },
): boolean {
  const nullable = table.columns.some(({ name, notNull }) => name === table.tenant && !notNull)
  const leads = paths.some(
    ({ parent, columns }) => !parent.table.shared && !columns.includes('tenant_id'),
  )
  return rows.strays && owner === 'a' && nullable && leads && chance === true
}

function parentOf(
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

/** Rows of another tenant that such a row can refer to. */
function otherOwners(
  { parent, columns, toPart }: Path,
  { rows, owner }: { rows: Rows; owner: Owner },
): readonly Row[] {
  const isOne = (other: Owner) => other !== owner && other !== '-' && other !== 'd'
  if (!rows.crosses || toPart || parent.table.shared || columns.includes('tenant_id')) return []
  if (owner === 'd' || owner === '-') return []
  return rows.all.filter((row) => row.table === parent.table.name && isOne(row.owner))
}

/** Rows of tables that refer to later ones get their parents. */
export function closeCycles({ drafts, random }: Drawing, rows: Rows): void {
  for (const draft of drafts) {
    for (const path of draft.paths.filter(({ isBack }) => isBack)) {
      for (const [i, row] of rows.all.entries()) {
        if (row.table !== draft.table.name || !random.chance(0.6)) continue
        const parents = parentOf(draft, path, { rows, owner: row.owner })
        if (!parents) continue
        const values = { ...row.values, ...keyOf(path, random.pick(parents), rows) }
        rows.all[i] = { ...row, values }
      }
    }
  }
}

function keyOf(path: Path, parent: Row, rows: Rows): Record<string, string> {
  const n = rows.numbers.get(parent.mark)
  const entries = path.parent.table.key.map((key, i) => {
    const kind = path.parent.makes.get(key)
    const otherwise = path.otherwise && n !== undefined ? kind?.again?.(n) : undefined
    return [path.columns[i] ?? '', otherwise ?? parent.values[key] ?? 'null']
  })
  return Object.fromEntries(entries)
}

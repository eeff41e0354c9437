/** Rows of the three tenants, of the target's own one, and without a tenant. */
import type { Owner, Row } from '../cases/case.ts'
import type { Draft, Drawing, Path } from './draft.ts'
import { literal } from './draw.ts'
import { hasWays, valuesOfWays } from './draw-ways.ts'
import { keyOf, parentOf, type RowOf, type Rows } from './parents.ts'
import { type Kind, keyKinds } from './types.ts'

/** Where rows of the target's own tenant begin to be counted. */
const elsewhere = 500_000

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
    drawReferredRows(drawing, draft, rows)
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

/** Rows that others refer to come with these. */
function drawReferredRows(drawing: Drawing, draft: Draft, rows: Rows): void {
  const { random } = drawing
  for (const { table, column } of draft.table.referredBy) {
    for (const [i, row] of rows.all.entries()) {
      if (row.table !== table || row.owner === '-' || !random.chance(0.7)) continue
      const own = rows.all.filter(
        (one) => one.table === draft.table.name && one.owner === row.owner,
      )
      const isAgain = own.length > 0 && random.chance(0.25)
      const of = { rows, owner: row.owner, isReferred: true } as const
      const to = isAgain ? random.pick(own) : drawRow(drawing, draft, of)
      if (!to) continue
      if (!isAgain) rows.all.push(to)
      const value = to.values[draft.table.key[0] ?? ''] ?? 'null'
      rows.all[i] = { ...row, values: { ...row.values, [column]: value } }
    }
  }
}

/** null: its paths find no parent. */
export function drawRow(drawing: Drawing, draft: Draft, of: RowOf): Row | null {
  const { rows, owner, isReferred } = of
  const { random } = drawing
  const { table, makes } = draft
  if (table.referredBy.length > 0 && owner !== '-' && !isReferred) return null
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
  let led = owner === '-' || found || isReferred === true
  if (hasWays(draft)) {
    const ways = valuesOfWays(drawing, draft, { ...of, isNew: true })
    if (!ways) return null
    Object.assign(values, ways)
    led = true
  }
  let crosses = false
  for (const path of draft.paths) {
    if (path.isBack || path.way) continue
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
    if (path.parent.table.shared) {
      rows.needs.set(mark, [...(rows.needs.get(mark) ?? []), parent.mark])
    } else led = true
  }
  if (!led) return null
  // The plan finds rows by the tenant's column where there is one.
  const leads = !table.tenant && (first?.columns ?? []).every((column) => column in values)
  const isFound = found || owner === '-' || leads || hasWays(draft)
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
      if (path.parent.table.referredBy.length > 0) continue
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

/** Foreign keys that lead to another table, to the same one, or to a shared one. */
import type { Constraint } from '../cases/case.ts'
import { addColumns, type Draft, type Drawing, type Path, type PathWay, plain } from './draft.ts'
import { name, names, weighted } from './draw.ts'

interface Parents {
  readonly parents: readonly Draft[]
  readonly isOwn: boolean
  /** It leads to a table whose rows are drawn later. */
  readonly isBack?: boolean
  readonly way?: PathWay
}

export function addPath(
  drawing: Drawing,
  draft: Draft,
  { parents, isOwn, isBack = false, way }: Parents,
): void {
  const { random } = drawing
  const parent = random.pick(parents)
  const notNull = parent !== draft && !isBack && !way && random.chance(isOwn ? 0.85 : 0.3)
  const number = draft.paths.length + 1
  const columns: string[] = []
  for (const key of parent.table.key) {
    const found = parent.table.columns.find((column) => column.name === key)
    if (!found) return
    if (key === 'tenant_id' && draft.table.tenant) {
      columns.push(key)
      continue
    }
    // Periods are compared with values of the same type alone.
    const isWider = parent.table.keyKind !== 'temporal' && random.chance(0.05)
    const wider = found.type === 'int' && isWider ? 'bigint' : found.type
    const own = { ...plain, name: `p${number} ${key}`, type: wider, notNull }
    addColumns(draft, [{ ...own, targetType: found.targetType }])
    columns.push(own.name)
  }
  const otherwise = random.chance(0.5)
  // A table cannot refer to a partition of its own, and rows that come with others come into any.
  const isOther = parent.table.name !== draft.table.name && drawing.drafts.includes(parent)
  const others = isOther && !isOwn && !notNull && !way
  const toPart = parent.table.partitioned?.by === 'range' && others && random.chance(0.4)
  const path = { columns, parent, notNull, otherwise, isOwn, isBack, toPart, way: way ?? null }
  draft.paths.push(path)
  if (way && !way.isDeclared) return
  drawing.constraints.push(foreignKey(drawing, draft, path))
}

function foreignKey({ random, schema }: Drawing, draft: Draft, path: Path): Constraint {
  const own = path.columns.filter((column) => column !== 'tenant_id' || !draft.table.tenant)
  // A row whose only path became null would belong to no tenant, and stay where it is.
  const nullable = !path.notNull && !path.isOwn && !path.way && own.length > 0
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
  const isTemporal = table.keyKind === 'temporal'
  const isFull = own.length > 1 && own.length === path.columns.length && random.chance(0.2)
  const match = isFull ? ' match full' : ''
  const listed = (columns: readonly string[]) =>
    columns
      .map((one, i) => `${isTemporal && i === columns.length - 1 ? 'period ' : ''}${name(one)}`)
      .join(', ')
  const parent = `${name(table.outside ?? schema)}.${name(path.toPart ? `${table.name} p0` : table.name)}`
  const how = isTemporal ? late : `${match}${onDelete}${onUpdate}${late}`
  return {
    name: `${draft.table.name} to ${table.name} ${draft.paths.length}`,
    table: draft.table.name,
    columns: path.columns,
    parent: table.name,
    sql: `foreign key (${listed(path.columns)}) references ${parent} (${listed(table.key)})${how}`,
    parentPart: path.toPart ? 'p0' : null,
    part: null,
    only: null,
  }
}

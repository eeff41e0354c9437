/**
 * Brings changed rows of one table to the target, in the caller's transaction: all that have a key
 * that changed go, then those come that the source has now. Rows are not updated in place, so that
 * two of them may exchange a value that is unique.
 */
import copyStreams from 'pg-copy-streams'
import { columnsLeft } from '../../../plan/routing/way-back.ts'
import { ident, literal, qualified } from '../../../quote.ts'
import type { RowMapper } from '../../../transform/transform-mapper.ts'
import { rowBlocks } from '../../../values/split-rows.ts'
import { copyInto, type Into } from '../copy/copy-into.ts'
import { selectRows } from '../copy/copy-table.ts'
import { textsByName } from '../predicate.ts'
import { removeRows } from '../removal/remove-rows.ts'
import { aroundPlanSql } from '../search-path.ts'
import { tenantPredicate } from '../tenant-of-rows.ts'
import { type Bringing, broughtEntry, changedAtTarget } from './brought-keys.ts'
import { type ChangedTable, type Changes, changedOfTenant } from './changes.ts'
import { noteGone } from './gone-values.ts'

/** Children first. Returns how many rows went; their values of these columns are noted. */
export async function removeChanged(
  bringing: Pick<Bringing, 'target'>,
  changes: Changes,
  { table, schema, columns }: { table: ChangedTable; schema: string; columns: readonly string[] },
): Promise<number> {
  const { route } = table
  const { tenant } = changes.key
  const ours = tenantPredicate(route.targetPath, { schema, alias: 'r', tenant })
  const where = `${ours} and ${changedAtTarget(changes, table)}`
  if (columns.length > 0) await noteGone(bringing, changes, { table, schema, columns, where })
  const removal = { schema, table: route.target, where, limit: null }
  const [removed] = await removeRows(bringing.target, [removal])
  return removed?.rows ?? 0
}

/** Columns of which the other end knows nothing stand with the keys while rows are replaced. */
export async function keepColumns(
  { target }: Pick<Bringing, 'target'>,
  changes: Changes,
  { table, schema }: { table: ChangedTable; schema: string },
): Promise<void> {
  const left = columnsLeft(table.route)
  if (left.length === 0) return
  const at = { schema, alias: 'r', tenant: changes.key.tenant }
  const query = `update rehome.changed_keys k set kept = ${textsByName(left)}
    from ${qualified(schema, table.route.target.name)} r
    where ${tenantPredicate(table.route.targetPath, at)} and ${broughtEntry(changes, table)}`
  await target.query(query)
}

/** Rows that came, and the columns that came with them. */
export interface Brought {
  readonly rows: number
  readonly columns: readonly string[]
}

/** Columns that did not come get what the rows of their keys had. */
export async function restoreColumns(
  { target }: Pick<Bringing, 'target'>,
  changes: Changes,
  { table, schema, brought }: { table: ChangedTable; schema: string; brought: Brought },
): Promise<void> {
  const left = columnsLeft(table.route).filter((column) => !brought.columns.includes(column))
  if (left.length === 0 || brought.rows === 0) return
  const name = qualified(schema, table.route.target.name)
  const typeOf = (column: string) =>
    table.route.target.columns.find((candidate) => candidate.name === column)?.typeText ?? 'text'
  const set = left
    .map((column) => `${ident(column)} = (k.kept ->> ${literal(column)})::${typeOf(column)}`)
    .join(', ')
  const query = `update ${name} r set ${set} from rehome.changed_keys k
    where ${broughtEntry(changes, table)} and k.kept is not null`
  await target.query(query)
}

/** `into`: the table that takes them. Absent: the target's own. */
export async function bringChanged(
  bringing: Bringing,
  changes: Changes,
  work: { table: ChangedTable; schema: string; mapper: RowMapper; into?: Into },
): Promise<Brought> {
  const { route } = work.table
  return await aroundPlanSql(bringing, route.columns, () => copyChanged(bringing, changes, work))
}

async function copyChanged(
  { source, reader, target }: Bringing,
  changes: Changes,
  { table, schema, mapper, into: at }: Parameters<typeof bringChanged>[2],
): Promise<Brought> {
  const { route } = table
  const { format } = mapper
  const rows = selectRows(source, route, changedOfTenant(changes, table))
  const order = route.sourceKey.map((column) => `r.${ident(column)}`).join(', ')
  const query = `copy (${rows} order by ${order}) to stdout (format ${format})`
  const stream = reader.query(copyStreams.to(query, { highWaterMark: mapper.blockBytes }))
  const into = copyInto(target, at ?? { schema, table: route.target })
  let written: Brought = { rows: 0, columns: [] }
  const blocks = rowBlocks(stream, { format, maxRows: 1_000_000_000 })
  for await (const block of blocks) {
    const mapped = mapper.map(block)
    if (!mapped) continue
    await into.write(mapped)
    written = { rows: written.rows + mapped.rows, columns: mapped.columns }
  }
  await into.end()
  return written
}

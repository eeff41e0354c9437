/**
 * Brings changed rows of one table to the target, in the caller's transaction: all that have a key
 * that changed go, then those come that the source has now. Rows are not updated in place, so that
 * two of them may exchange a value that is unique.
 */
import copyStreams from 'pg-copy-streams'
import { ident, qualified } from '../../quote.ts'
import {
  type Bringing,
  type ChangedTable,
  type Changes,
  changedAtTarget,
  changedOfTenant,
} from './changes.ts'
import { copyInto } from './copy-into.ts'
import { type RowMapper, selectRows } from './copy-table.ts'
import { tenantPredicate } from './predicate.ts'
import { rowBlocks } from './split-rows.ts'

/** Children first. Returns the rows that went. */
export async function removeChanged(
  { target }: Pick<Bringing, 'target'>,
  changes: Changes,
  { table, schema }: { table: ChangedTable; schema: string },
): Promise<number> {
  const { route } = table
  const { tenant } = changes.key
  const ours = tenantPredicate(route.targetPath, { schema, alias: 'r', tenant })
  const query = `delete from ${qualified(schema, route.target.name)} r
    where ${ours} and ${changedAtTarget(changes, table)}`
  return (await target.query(query)).rowCount ?? 0
}

/** Returns the rows that came. */
export async function bringChanged(
  { source, reader, target }: Bringing,
  changes: Changes,
  work: { table: ChangedTable; schema: string; mapper: RowMapper },
): Promise<number> {
  const { table, schema, mapper } = work
  const { route } = table
  const { format } = mapper
  const rows = selectRows(source, route, changedOfTenant(changes, table))
  const order = route.sourceKey.map((column) => `r.${ident(column)}`).join(', ')
  const query = `copy (${rows} order by ${order}) to stdout (format ${format})`
  const stream = reader.query(copyStreams.to(query, { highWaterMark: mapper.blockBytes }))
  const into = copyInto(target, qualified(schema, route.target.name))
  let written = 0
  const blocks = rowBlocks(stream as AsyncIterable<Buffer>, { format, maxRows: 1_000_000_000 })
  for await (const block of blocks) {
    const mapped = mapper.map(block)
    if (!mapped) continue
    await into.write(mapped)
    written += mapped.rows
  }
  await into.end()
  return written
}

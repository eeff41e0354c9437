/**
 * Copies all rows of a small tenant: one call reads them at the source, and one writes them at the
 * target, in one transaction with the progress of every table. Rows are held in between.
 */
import type { RehomeError } from '../../../errors.ts'
import type { Route } from '../../../plan/routing/route.ts'
import { toRehomeError, withClient } from '../../../postgres.ts'
import { hasRoom } from '../../../sessions/room.ts'
import type { RowMapper } from '../../../transform/transform-mapper.ts'
import { type CopyRows, SentRows } from '../../../values/sent-rows.ts'
import { binaryHeader, binaryTrailer, rowBlocks } from '../../../values/split-rows.ts'
import type { SqlEnd } from '../../end.ts'
import type { Hold } from '../../flags.ts'
import type { TableProgress } from '../../rows.ts'
import { beginWriting } from '../fence/begin-writing.ts'
import { holdOrFail, refusalOf } from '../fence/holds.ts'
import { nameSession } from '../fence/turns.ts'
import { beginReading, enterPlan, holdPlanSql, leavePlan } from '../search-path.ts'
import { CopyFailed, callCopies, TooMuch } from './copies.ts'
import { copyFrom } from './copy-into.ts'
import { copyOut } from './copy-table.ts'
import { progressStatement } from './progress.ts'
import { nameRejectedRow } from './rejected-row.ts'

export interface TableCopy {
  readonly route: Route
  readonly mapper: RowMapper
}

export interface TogetherOptions {
  readonly hold: Hold & { readonly epoch: string }
  readonly replicate: boolean
}

/** So much may be held, in bytes. */
const bytesMax = 8 << 20

/**
 * Tables in an order in which their rows may come. Returns the progress of each; null: there is
 * more than may be held, and nothing was written. Throws ROW_REJECTED with table, key and column.
 */
export async function copyTogether(
  ends: { source: SqlEnd; target: SqlEnd },
  tables: readonly TableCopy[],
  options: TogetherOptions,
): Promise<TableProgress[] | null> {
  const read = await readTogether(ends.source, tables, options.hold)
  if (read === null) return null
  const mapped: MappedTable[] = []
  for (const [i, table] of tables.entries()) {
    mapped.push(await mapRows(table, read[i] ?? Buffer.alloc(0)))
  }
  await writeTogether(ends.target, mapped, options)
  return mapped.map(({ progress }) => progress)
}

async function readTogether(
  source: SqlEnd,
  tables: readonly TableCopy[],
  hold: Hold,
): Promise<Buffer[] | null> {
  const holdsPlanSql = tables.some(({ route }) => holdPlanSql(route.columns))
  const plan = holdsPlanSql ? { enter: [enterPlan(source)], leave: [leavePlan] } : null
  const around = source.within
    ? { before: [...(plan?.enter ?? [])], after: [...(plan?.leave ?? [])] }
    : { before: [beginReading(source, { holdsPlanSql })], after: ['commit'] }
  const { tenant } = hold
  const copies = tables.map(({ route, mapper }) => {
    return copyOut(source, route, { tenant, format: mapper.format, skip: 0 })
  })
  const statements = [...around.before, nameSession(hold), ...copies, ...around.after]
  try {
    return await withClient(source.pool, (client) => callCopies(client, { statements, bytesMax }))
  } catch (error) {
    if (error instanceof TooMuch) return null
    throw error instanceof CopyFailed ? explained(error, tables) : error
  }
}

interface MappedTable extends TableCopy {
  readonly parts: readonly CopyRows[]
  readonly progress: TableProgress
}

async function mapRows(table: TableCopy, bytes: Buffer): Promise<MappedTable> {
  const { format } = table.mapper
  const parts: CopyRows[] = []
  let rowsRead = 0
  const whole = (async function* () {
    yield bytes
  })()
  for await (const block of rowBlocks(whole, { format, maxRows: Number.POSITIVE_INFINITY })) {
    rowsRead += block.rows
    const rows = table.mapper.map(block)
    if (rows) parts.push(rows)
  }
  const rowsWritten = parts.reduce((total, { rows }) => total + rows, 0)
  return { ...table, parts, progress: { rowsRead, rowsWritten, done: true, cursor: null } }
}

async function writeTogether(
  target: SqlEnd,
  tables: readonly MappedTable[],
  { hold, replicate }: TogetherOptions,
): Promise<void> {
  const copies = tables.flatMap(({ route, parts }) => parts.map((rows) => ({ route, rows })))
  const statements = [
    beginWriting({ replicate, commits: 'durably' }),
    holdOrFail(hold, target),
    ...copies.map(({ route, rows }) =>
      copyFrom({ schema: target.schema, table: route.target }, rows),
    ),
    ...tables.map(({ route, progress }) =>
      progressStatement({ ...hold, table: route.target.name }, progress),
    ),
    'commit',
  ]
  const input = copies.map(({ rows }) => {
    return rows.format === 'binary' ? [binaryHeader, rows.bytes, binaryTrailer] : [rows.bytes]
  })
  const { writers } = target
  // A copy that waits for somebody else's lock delays its own tenant alone.
  const isOwn = replicate && !target.within && writers !== undefined && hasRoom(writers)
  const pool = isOwn ? writers : target.pool
  try {
    await withClient(pool, (client) => callCopies(client, { statements, input }))
  } catch (error) {
    if (!(error instanceof CopyFailed)) throw error
    const refusal = refusalOf(error.cause, hold)
    if (refusal) throw refusal
    const copy = error.place === null ? undefined : copies[error.place]
    if (!copy) throw explained(error, [])
    const sent = new SentRows()
    sent.add(copy.rows)
    const cause = nameRejectedRow(error.cause, copy.route.target, sent)
    throw explained(new CopyFailed(0, cause), [copy])
  }
}

function explained(
  { place, cause }: CopyFailed,
  tables: readonly Pick<TableCopy, 'route'>[],
): RehomeError {
  const route = place === null ? undefined : tables[place]?.route
  const what = route ? `copying "${route.source.name}" to "${route.target.name}"` : 'copying'
  return toRehomeError(cause, what)
}

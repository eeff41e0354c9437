/**
 * A batch of rows, and the progress that counts them, in one commit: acknowledged only when it is
 * durable, and written once, however often it comes.
 */

import type { z } from 'zod'
import type { SqlEnd } from '../ends/end.ts'
import { readRow, splitLines } from '../ends/http/lines.ts'
import { batchHead, type writeOperation } from '../ends/http/protocol/row-operations.ts'
import { copyInto, textRows } from '../ends/postgres/copy/copy-into.ts'
import { placeRows } from '../ends/postgres/copy/place-rows.ts'
import { progressOf, writeProgress } from '../ends/postgres/copy/progress.ts'
import { writeQuarantined } from '../ends/postgres/copy/quarantine.ts'
import { beginWriting } from '../ends/postgres/fence/begin-writing.ts'
import { holdReceiving } from '../ends/postgres/fence/holds.ts'
import { nothingRead, type TableProgress } from '../ends/rows.ts'
import { RehomeError } from '../errors.ts'
import type { Route } from '../plan/routing/route.ts'
import { inTransactionOf } from '../postgres.ts'
import { checked } from './requests.ts'
import { columnOf, routeOf } from './tables.ts'

type ResultOfWrite = z.output<typeof writeOperation.result>

export interface WriteAt {
  readonly end: SqlEnd
  readonly scope: string
  readonly routes: readonly Route[]
  readonly mayReplicate: boolean
}

/** Throws FENCE_LOST where the end does not receive the tenant from this attempt. */
export async function writeBatch(at: WriteAt, body: string): Promise<ResultOfWrite> {
  const [first = '', ...lines] = splitLines(body)
  const head = checked(batchHead, first, at.scope)
  const { source: table, sourcePath: path } = routeOf(at.routes, head.table)
  const columns = head.columns.map((name) => columnOf(table, name).name)
  const rows = lines.map((line) => readRow(line, { columns: columns.length, where: 'the request' }))
  if (rows.length > 0 && isSame(head.from, head.progress)) throw uncounted(rows.length)
  const replicate = head.replicate && at.mayReplicate
  const begin = beginWriting({ replicate, commits: 'durably' })
  return await inTransactionOf(at.end.pool, begin, async (client) => {
    await holdReceiving(client, head, at.end)
    // The same batch may come again while this one is under way.
    const lock = `select pg_advisory_xact_lock(hashtext($1), hashtext($2))`
    await client.query(lock, [`rehome write ${head.scope} ${head.table}`, head.tenant])
    const stored = (await progressOf(client, head, head.table)) ?? nothingRead
    if (isSame(stored, head.progress)) return { repeated: true }
    if (!isSame(stored, head.from)) throw gap(stored, head.from)
    let leftOut = 0
    if (head.leavesOut) {
      const placing = { schema: at.end.schema, table: { table, path, key: [] }, columns, rows }
      const { collided, orphaned } = await placeRows(client, head.tenant, placing)
      leftOut = collided.length + orphaned.length
    } else if (rows.length > 0) {
      const copy = copyInto(client, { schema: at.end.schema, table })
      await copy.write(textRows(rows, columns))
      await copy.end()
    }
    await writeQuarantined(client, head, head.quarantined)
    await writeProgress(client, head, head.progress)
    return { repeated: false, ...(head.leavesOut && { leftOut }) }
  })
}

function isSame(left: TableProgress, right: TableProgress): boolean {
  return left.rowsRead === right.rowsRead && left.done === right.done
}

function gap(stored: TableProgress, from: TableProgress): RehomeError {
  const message = `the batch goes on after ${from.rowsRead} rows, and ${stored.rowsRead} have come`
  return new RehomeError('USAGE', message)
}

/** It would be taken for its own repetition, and its rows be lost. */
function uncounted(rows: number): RehomeError {
  return new RehomeError('USAGE', `the batch has ${rows} rows, but its progress does not grow`)
}

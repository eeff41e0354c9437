/**
 * Copies one tenant's rows of one table as texts: the way for ends that are not both databases of
 * ours. Chunks are committed at the target together with their progress, and memory does not grow
 * with the tenant.
 */
import type { Route } from '../plan/routes.ts'
import type { Reading, Rows, Writer, Writing } from './rows.ts'
import type { TableProgress } from './sql/progress.ts'
import type { Texts } from './tenant-rows.ts'
import type { TextMapper } from './text-transform.ts'

export interface TextCopy {
  readonly reading: Omit<Reading, 'columns' | 'after'>
  readonly writing: Writing
  readonly mapper: TextMapper
  readonly chunkRows: number
  readonly onChunk: (progress: TableProgress) => Promise<void> | void
}

export async function copyTexts(
  { source, target }: { source: Rows; target: Rows },
  route: Route,
  { reading, writing, mapper, chunkRows, onChunk }: TextCopy,
): Promise<TableProgress> {
  const { from } = writing
  if (from.done) return from
  const atOnce = Math.min(chunkRows, target.batchRows)
  return await target.write(writing, async (writer) => {
    let reached: TableProgress = from
    let waiting = 0
    const pages = source.pages({ ...reading, columns: route.columns, after: from })
    for await (const { rows, cursor } of pages) {
      reading.signal.throwIfAborted()
      const written = await writeRows(writer, mapper, rows)
      reached = {
        rowsRead: reached.rowsRead + rows.length,
        rowsWritten: reached.rowsWritten + written,
        done: false,
        cursor,
      }
      waiting += rows.length
      if (waiting < atOnce) continue
      waiting = 0
      await writer.commit(reached)
      await onChunk(reached)
    }
    const progress = { ...reached, done: true }
    await writer.commit(progress)
    return progress
  })
}

async function writeRows(
  writer: Writer,
  mapper: TextMapper,
  rows: readonly Texts[],
): Promise<number> {
  const mapped = rows.map((fields) => mapper.map(fields)).filter((texts) => texts !== null)
  await writer.write(mapped, mapper.columns())
  return mapped.length
}

/**
 * Copies one tenant's rows of one table as texts: the way for ends that are not both databases of
 * ours. Chunks are committed at the target together with their progress, and memory does not grow
 * with the tenant.
 */

import type { Reading, Rows, TableProgress, Writing } from '../ends/rows.ts'
import type { Texts } from '../ends/tenant-rows.ts'
import type { Route } from '../plan/routing/route.ts'
import type { Renumber } from './renumber.ts'
import type { TextMapper } from './text-mapper.ts'

export interface TextCopy {
  readonly reading: Omit<Reading, 'columns' | 'after'>
  readonly writing: Writing
  readonly mapper: TextMapper
  readonly renumber: Renumber
  readonly chunkRows: number
  /** All rows come in one commit: those found through others never stand there without these. */
  readonly whole: boolean
  readonly onChunk: (progress: TableProgress) => Promise<void> | void
}

export async function copyTexts(
  { source, target }: { source: Rows; target: Rows },
  route: Route,
  { reading, writing, mapper, renumber, chunkRows, whole, onChunk }: TextCopy,
): Promise<TableProgress> {
  const { from } = writing
  if (from.done) return from
  const atOnce = Math.min(chunkRows, target.batchRows)
  return await target.write(writing, async (writer) => {
    let reached: TableProgress = from
    let read = from.rowsRead
    let committed = read
    const write = async (mapped: readonly Texts[]) => {
      await writer.write(mapped, mapper.columns())
      return mapped.length
    }
    const pages = source.pages({ ...reading, columns: route.columns, after: from })
    for await (const { rows, cursor, counted } of pages) {
      reading.signal.throwIfAborted()
      const rowsWritten =
        reached.rowsWritten + (await write(mapper.map(await renumber(rows), rows)))
      read += rows.length
      reached = { rowsRead: read - mapper.held(), rowsWritten, done: false, cursor }
      if (whole || (read - committed < atOnce && !writer.isFull())) continue
      // Where rows are not counted off, it can only be gone on between groups, and pages.
      if (!counted && (cursor === null || mapper.held() > 0)) continue
      committed = read
      await writer.commit(reached, mapper.takeQuarantined())
      await onChunk(reached)
    }
    const rowsWritten = reached.rowsWritten + (await write(mapper.end()))
    const progress = { rowsRead: read, rowsWritten, done: true, cursor: reached.cursor }
    await writer.commit(progress, mapper.takeQuarantined())
    return progress
  })
}

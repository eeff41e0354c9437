/**
 * The tenant's rows come to the target, parents first, a chunk at a time. Resumes where it stopped.
 */
import { type CopyOptions, copyTable, passThrough } from '../endpoints/sql/copy-table.ts'
import { readProgress, type TableProgress } from '../endpoints/sql/progress.ts'
import { transformMapper } from '../endpoints/sql/transform-mapper.ts'
import type { Route } from '../plan/routes.ts'
import { explain } from '../postgres.ts'
import { contextOf } from './context.ts'
import { advanceSequences } from './sequences.ts'
import { holdOf, reportProgress, type Shard, type Stage, store } from './shard.ts'

export const copy: Stage = {
  phase: 'copy',
  async run(shard) {
    const { pool } = shard.ends.target
    const { scope } = shard.plan
    const known = await readProgress(pool, { scope, tenant: shard.tenant, epoch: shard.epoch })
    shard.rowsCopied = [...known.values()].reduce((rows, table) => rows + table.rowsRead, 0)
    const tables: Record<string, { read: number; written: number }> = {}
    for (const route of shard.survey.routes) {
      const from = known.get(route.target.name) ?? { rowsRead: 0, rowsWritten: 0, done: false }
      const { rowsRead, rowsWritten } = await copyRoute(shard, route, from)
      tables[route.target.name] = { read: rowsRead, written: rowsWritten }
      shard.tell(`copied ${route.source.name}: ${rowsRead} rows read, ${rowsWritten} written`)
    }
    shard.evidence.copied = tables
    await advanceSequences(shard, 'target')
    await store(shard, { rowsCopied: shard.rowsCopied })
  },
}

async function copyRoute(shard: Shard, route: Route, from: TableProgress): Promise<TableProgress> {
  const { replicate, cycle } = shard.survey
  const before = shard.rowsCopied - from.rowsRead
  // Without switching foreign keys off, rows that point at each other have to come together.
  const together = !replicate && (route.selfReference || cycle.includes(route.target.name))
  const options: CopyOptions = {
    hold: { ...holdOf(shard), epoch: shard.epoch },
    mapper: route.transform ? transformMapper(route, contextOf(shard)) : passThrough(route),
    chunkRows: together ? Number.POSITIVE_INFINITY : shard.plan.chunkRows,
    from,
    replicate,
    signal: shard.signal,
    onChunk: async ({ rowsRead }) => {
      shard.rowsCopied = before + rowsRead
      reportProgress(shard)
      await store(shard, { rowsCopied: shard.rowsCopied })
    },
  }
  try {
    const progress = await copyTable(shard.ends, route, options)
    shard.rowsCopied = before + progress.rowsRead
    return progress
  } catch (error) {
    throw explain(error, `copying "${route.source.name}" to "${route.target.name}"`)
  }
}

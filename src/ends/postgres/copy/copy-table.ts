/**
 * Copies one tenant's rows of one table: one ordered COPY at the source, cut into chunks that are
 * committed at the target together with their number. Memory does not grow with the tenant.
 *
 * Under the fence the tenant's rows stand still, so "skip as many rows as have come, in key order"
 * is exact, and a copy that died goes on at its last committed chunk.
 */

import copyStreams from 'pg-copy-streams'
import { isPortable } from '../../../plan/routing/columns.ts'
import type { Route } from '../../../plan/routing/route.ts'
import { columnSql } from '../../../plan/routing/shared-ids.ts'
import { type Client, withClient } from '../../../postgres.ts'
import { ident, qualified } from '../../../quote.ts'
import type { RowMapper } from '../../../transform/transform-mapper.ts'
import { type ChunkedBlock, type CopyFormat, rowBlocks } from '../../../values/split-rows.ts'
import type { SqlEnd } from '../../end.ts'
import type { Hold } from '../../flags.ts'
import type { TableProgress } from '../../rows.ts'
import { nameSession } from '../fence/turns.ts'
import { beginReading, enterPlan, holdPlanSql, leavePlan } from '../search-path.ts'
import { tenantPredicate } from '../tenant-of-rows.ts'
import { createChunkWriter } from './chunk-writer.ts'

export interface CopyOptions {
  readonly hold: Hold & { readonly epoch: string }
  readonly mapper: RowMapper
  readonly chunkRows: number
  readonly from: TableProgress
  readonly replicate: boolean
  readonly signal: AbortSignal
  readonly onChunk: (progress: TableProgress) => Promise<void> | void
}

/** Throws ROW_REJECTED with table, key and column. */
export async function copyTable(
  ends: { source: SqlEnd; target: SqlEnd },
  route: Route,
  options: CopyOptions,
): Promise<TableProgress> {
  if (options.from.done) return options.from
  return await withClient(ends.source.pool, (reader) =>
    withClient(ends.target.pool, async (client) => {
      const writer = createChunkWriter(client, {
        end: ends.target,
        table: route.target,
        hold: options.hold,
        replicate: options.replicate,
      })
      const holdsPlanSql = holdPlanSql(route.columns)
      const { within } = ends.source
      const named = nameSession(options.hold)
      if (!within) {
        await reader.query(`${beginReading(ends.source, { holdsPlanSql })}; ${named}`)
      } else await reader.query(holdsPlanSql ? `${enterPlan(ends.source)}; ${named}` : named)
      let { rowsRead, rowsWritten } = options.from
      // The chunk that is full: the last one is committed as the end of the table.
      let full: TableProgress | null = null
      let rowsReported = rowsRead
      const commit = async (progress: TableProgress) => {
        full = null
        await writer.commit(progress)
        if (progress.rowsRead > rowsReported) await options.onChunk(progress)
        rowsReported = progress.rowsRead
      }
      for await (const block of sourceBlocks(reader, ends.source, { route, options })) {
        options.signal.throwIfAborted()
        if (full) await commit(full)
        const mapped = options.mapper.map(block)
        if (mapped) await writer.write(mapped)
        rowsRead += block.rows
        rowsWritten += mapped?.rows ?? 0
        if (block.endsChunk) full = { rowsRead, rowsWritten, done: false, cursor: null }
      }
      const progress = { rowsRead, rowsWritten, done: true, cursor: null }
      await commit(progress)
      if (!within) await reader.query('commit')
      else if (holdsPlanSql) await reader.query(leavePlan)
      return progress
    }),
  )
}

function sourceBlocks(
  reader: Client,
  source: SqlEnd,
  { route, options }: { route: Route; options: CopyOptions },
): AsyncIterable<ChunkedBlock> {
  const { format } = options.mapper
  const { tenant } = options.hold
  options.signal.throwIfAborted()
  const query = copyOut(source, route, { tenant, format, skip: options.from.rowsRead })
  const stream = reader.query(copyStreams.to(query, { highWaterMark: options.mapper.blockBytes }))
  const stop = () => stream.destroy(options.signal.reason)
  options.signal.addEventListener('abort', stop, { once: true })
  stream.once('close', () => options.signal.removeEventListener('abort', stop))
  return rowBlocks(stream, { format, maxRows: options.chunkRows })
}

export interface CopyOut {
  readonly tenant: string
  readonly format: CopyFormat
  /** Rows that have come already. */
  readonly skip: number
}

/** In the order of the key. */
export function copyOut(source: SqlEnd, route: Route, { tenant, format, skip }: CopyOut): string {
  const at = { schema: source.schema, alias: 'r', tenant }
  const select = selectRows(source, route, tenantPredicate(route.sourcePath, at))
  const order = route.sourceKey.map((column) => `r.${ident(column)}`).join(', ')
  const offset = skip > 0 ? ` offset ${skip}` : ''
  return `copy (${select} order by ${order}${offset}) to stdout (format ${format})`
}

/** Every mapped column, in the route's order, of the rows `r` for which the condition holds. */
export function selectRows(source: SqlEnd, route: Route, where: string): string {
  const from = qualified(source.schema, route.source.name)
  return `select ${selectColumns(route)} from ${from} r where ${where}`
}

/** Over `r`, a row of the source. */
export function selectColumns({ columns }: Pick<Route, 'columns'>): string {
  const values = columns.map((column) => {
    const { castTo } = column
    return castTo === null ? columnSql(column) : `${columnSql(column)}::pg_catalog.${ident(castTo)}`
  })
  return values.join(', ')
}

/** Bytes pass as they are: binary where every type's binary form is the same at both servers. */
export function passThrough(route: Route): RowMapper {
  const columns = route.columns.map((column) => column.name)
  const portable = route.columns.every((c) => isPortable(c.castTo ?? c.typeName))
  const format = portable ? 'binary' : 'text'
  return {
    format,
    blockBytes: 1 << 18,
    map: ({ bytes, rows }) => ({ bytes, rows, columns, format }),
  }
}

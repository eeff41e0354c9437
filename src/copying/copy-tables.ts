/**
 * Copies the tenant's tables a chunk at a time: those of one wave at once, parents first unless
 * foreign keys are off. Goes on where the progress so far ends.
 */
import { contextOf, renumberOf } from '../attempt/context.ts'
import { pacedChunkRows } from '../attempt/pace.ts'
import { tenantRows } from '../attempt/planned-rows.ts'
import { holdOf, lanesOf, reportProgress, type Shard, store } from '../attempt/shard.ts'
import { now } from '../clock.ts'
import type { Ends } from '../ends/end.ts'
import { type CopyOptions, copyTable, passThrough } from '../ends/postgres/copy/copy-table.ts'
import { copyTogether } from '../ends/postgres/copy/copy-together.ts'
import { scoped } from '../ends/postgres/postgres-end.ts'
import { fewAtOnce, heavierOf } from '../ends/postgres/relations.ts'
import type { StayedBehind } from '../ends/rows.ts'
import { nothingRead, type TableProgress } from '../ends/rows.ts'
import { itemAt } from '../known.ts'
import { inParallel } from '../parallel.ts'
import { hasNewIds } from '../plan/new-ids.ts'
import { hopsOf, isRecursive } from '../plan/routing/path.ts'
import type { Route } from '../plan/routing/route.ts'
import { toRehomeError } from '../postgres.ts'
import { copyTexts } from '../transform/copy-texts.ts'
import { mapperOf } from '../transform/text-transform.ts'
import { type RowMapper, transformMapper } from '../transform/transform-mapper.ts'
import { comesWhole } from './whole-tables.ts'

/** Rows that the plan has allowed to stay behind. */
export async function tellQuarantined(shard: Shard): Promise<void> {
  const { tenant, epoch, plan } = shard
  const key = { scope: plan.scope, tenant, epoch }
  if (!shard.survey.routes.some(({ plan, stream }) => plan.quarantine || stream?.quarantine)) return
  const all = await shard.ends.target.rows.readQuarantined(key)
  const rows = onceEach(shard, all)
  if (rows.length === 0) return
  const tables = countBy(all.map(({ table }) => table))
  shard.evidence.quarantined = { rows: rows.length, tables, first: rows.slice(0, 20) }
  shard.tell(`${rows.length} rows stayed behind, in rehome.quarantine at the target`)
}

function countBy(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1
  return counts
}

/** A row of a stream stays behind once, however many tables it would have had rows in. */
function onceEach(shard: Shard, rows: readonly StayedBehind[]): StayedBehind[] {
  const readBy = (name: string) => {
    return shard.survey.routes.find(({ target }) => target.name === name)?.stream?.name ?? name
  }
  return [...new Map(rows.map((row) => [`${readBy(row.table)} ${row.key}`, row])).values()]
}

export interface CopyWork {
  readonly ends: Ends
  /** The progress so far: rows in the order of the source's key. */
  readonly known: ReadonlyMap<string, TableProgress>
  /** The source is written meanwhile, and not looked at as it was at one moment. */
  readonly onLeftOut?: () => void
}

/** All rows that are not there yet. */
export async function copyTables(
  shard: Shard,
  { ends, known, onLeftOut }: CopyWork,
): Promise<void> {
  const { routes, replicate } = shard.survey
  const progress = new Map(
    routes.map(({ target }) => [target.name, known.get(target.name) ?? nothingRead]),
  )
  const stored = { rows: shard.rowsCopied }
  const advance = (route: Route, reached: TableProgress) => {
    progress.set(route.target.name, reached)
    shard.rowsCopied = [...progress.values()].reduce((rows, table) => rows + table.rowsRead, 0)
  }
  const report = (route: Route, reached: TableProgress) => {
    advance(route, reached)
    const { rowsRead, rowsWritten } = reached
    shard.tell(`copied ${route.source.name}: ${rowsRead} rows read, ${rowsWritten} written`)
  }
  const copyOne = async (route: Route, signal: AbortSignal) => {
    let began = now()
    const from = progress.get(route.target.name) ?? nothingRead
    const reached = await copyRoute(shard, route, {
      ends,
      from,
      signal,
      onLeftOut,
      onChunk: async (reached) => {
        advance(route, reached)
        reportProgress(shard)
        await storeCopied(shard, stored)
        await shard.pace?.rest(now() - began)
        began = now()
      },
    })
    report(route, reached)
  }
  const together = known.size === 0 ? await copySmall(shard, ends) : new Map()
  for (const [route, reached] of together) report(route, reached)
  for (const wave of wavesOf(routes, replicate)) {
    const limit = lanesOf(shard)
    const rest = wave.filter((route) => !together.has(route))
    await inParallel(rest, { limit, signal: shard.signal }, copyOne)
  }
  shard.evidence.copied = Object.fromEntries(
    [...progress].map(([name, { rowsRead, rowsWritten }]) => [
      name,
      { read: rowsRead, written: rowsWritten },
    ]),
  )
}

/** Stores it once a chunk: tables with fewer rows add up to one. */
async function storeCopied(shard: Shard, stored: { rows: number }): Promise<void> {
  if (shard.rowsCopied - stored.rows < shard.plan.chunkRows) return
  stored.rows = shard.rowsCopied
  await store(shard, { rowsCopied: shard.rowsCopied })
}

/** A tenant with so many rows is copied in one transaction, or one for each group of tables. */
const rowsTogether = 1_000

/** The tables that were copied. The others are too large for that, or an end cannot. */
async function copySmall(
  shard: Shard,
  { source, target }: Ends,
): Promise<ReadonlyMap<Route, TableProgress>> {
  const { routes, replicate } = shard.survey
  const copied = new Map<Route, TableProgress>()
  if (!source.sql || !target.sql || routes.some(passesAsTexts)) return copied
  const most = Math.min(rowsTogether, ...routes.map((route) => chunkRowsOf(shard, route)))
  if (shard.rowsTotal > most) return copied
  const ends = { source: source.sql, target: target.sql }
  const hold = scoped(target.sql, { ...holdOf(shard), epoch: shard.epoch })
  const inOrder = wavesOf(routes, replicate).flat()
  for (const some of fewAtOnce(inOrder, (route) => [heavierOf(route.source, route.target)])) {
    shard.signal.throwIfAborted()
    const tables = some.map((route) => ({
      route,
      mapper: mapperFor(shard, route, { oneFormat: true }),
    }))
    const reached = await copyTogether(ends, tables, { hold, replicate })
    if (!reached) break
    for (const [i, progress] of reached.entries()) copied.set(itemAt(some, i), progress)
  }
  return copied
}

function chunkRowsOf({ plan, pace }: Shard, route: Route): number {
  const most = pace?.isOn ? pacedChunkRows : Number.POSITIVE_INFINITY
  return Math.min(route.plan.chunkRows ?? plan.chunkRows, most)
}

function passesAsTexts(route: Route): boolean {
  return Boolean(route.stream || route.plan.quarantine || hasNewIds(route))
}

function mapperFor(shard: Shard, route: Route, formats: { oneFormat: boolean }): RowMapper {
  return route.transform ? transformMapper(route, contextOf(shard), formats) : passThrough(route)
}

/**
 * Tables that may come at once, and before those of the next wave. Rows that are found through
 * others never stand there without them: they could not be found to be removed. Where foreign keys
 * are checked at once, all parents have to be there before their children.
 */
function wavesOf(routes: readonly Route[], replicate: boolean): Route[][] {
  if (!replicate) return routes.map((route) => [route])
  const depths = [...new Set(routes.map(({ targetPath }) => hopsOf(targetPath)))].sort(
    (a, b) => a - b,
  )
  return depths.map((depth) => routes.filter(({ targetPath }) => hopsOf(targetPath) === depth))
}

type RouteCopy = Pick<CopyOptions, 'from' | 'signal' | 'onChunk'> & {
  readonly ends: Ends
  readonly onLeftOut?: (() => void) | undefined
}

async function copyRoute(shard: Shard, route: Route, copying: RouteCopy): Promise<TableProgress> {
  const { ends, onLeftOut, ...options } = copying
  const { source, target } = ends
  const { replicate, cycle } = shard.survey
  // Without switching foreign keys off, rows that point at each other have to come together.
  const checked = !replicate && (route.selfReference || cycle.includes(route.target.name))
  // Those that are found through rows of the same table could not be removed without these.
  const together = checked || isRecursive(route.targetPath)
  const chunkRows = together ? Number.POSITIVE_INFINITY : chunkRowsOf(shard, route)
  try {
    if (passesAsTexts(route) || !source.sql || !target.sql) {
      return await copyRouteTexts(shard, route, { ...copying, chunkRows })
    }
    return await copyTable({ source: source.sql, target: target.sql }, route, {
      ...options,
      hold: scoped(target.sql, { ...holdOf(shard), epoch: shard.epoch }),
      mapper: mapperFor(shard, route, { oneFormat: together }),
      chunkRows,
      replicate,
    })
  } catch (error) {
    throw toRehomeError(error, `copying "${route.source.name}" to "${route.target.name}"`)
  }
}

async function copyRouteTexts(
  shard: Shard,
  route: Route,
  { ends, from, signal, onChunk, onLeftOut, chunkRows }: RouteCopy & { readonly chunkRows: number },
): Promise<TableProgress> {
  const hold = { ...holdOf(shard), epoch: shard.epoch }
  const {
    replicate,
    target: { maxBytes },
  } = shard.survey
  const leavingOut = onLeftOut && { path: route.targetPath, tell: onLeftOut }
  return await copyTexts({ source: ends.source.rows, target: ends.target.rows }, route, {
    reading: { ...tenantRows(shard, route, 'source'), key: route.sourceKey, signal },
    writing: { hold, table: route.target, replicate, from, leavingOut, maxBytes },
    mapper: mapperOf(route, contextOf(shard), { plainRows: false }),
    renumber: renumberOf(shard, route),
    chunkRows,
    whole: comesWhole(route, ends.target.rows),
    onChunk,
  })
}

/**
 * The tenant's rows come to the target a chunk at a time; parents first, unless foreign keys are
 * off. Resumes where it stopped.
 */

import { contextOf, renumberOf } from '../attempt/context.ts'
import { tenantRows } from '../attempt/planned-rows.ts'
import { advanceSequences } from '../attempt/sequences.ts'
import {
  holdOf,
  lanesOf,
  reportProgress,
  type Shard,
  type Stage,
  sqlEndsOf,
  store,
} from '../attempt/shard.ts'
import { type Ends, holdAt, rowsOf } from '../ends/open/ends.ts'
import { withSnapshot } from '../ends/postgres/changes/snapshot.ts'
import { writeSync } from '../ends/postgres/changes/syncs.ts'
import { type CopyOptions, copyTable, passThrough } from '../ends/postgres/copy/copy-table.ts'
import { holdReceiving } from '../ends/postgres/fence/holds.ts'
import type { StayedBehind } from '../ends/rows.ts'
import { nothingRead, type TableProgress } from '../ends/rows.ts'
import { feedOf, isAsked } from '../follow/feeds.ts'
import { inParallel } from '../parallel.ts'
import { hasNewIds } from '../plan/new-ids.ts'
import { hopsOf } from '../plan/routing/path.ts'
import type { Route } from '../plan/routing/route.ts'
import { explain, inTransaction } from '../postgres.ts'
import { copyTexts } from '../transform/copy-texts.ts'
import { mapperOf } from '../transform/text-transform.ts'
import { transformMapper } from '../transform/transform-mapper.ts'
import { removeTenant } from './remove-tenant.ts'

export const copy: Stage = {
  phase: 'copy',
  async run(shard) {
    const { scope } = shard.plan
    const key = { scope, tenant: shard.tenant, epoch: shard.epoch }
    const known = await rowsOf(shard.ends.target).readProgress(key)
    await copyTables(shard, { ends: shard.ends, known })
    await advanceSequences(shard, 'target')
    await tellQuarantined(shard)
    await store(shard, { rowsCopied: shard.rowsCopied })
  },
}

/**
 * Copies rows as they were at one moment, while the tenant goes on writing. Rows that an earlier
 * attempt has left half done is removed: it is of another moment.
 */
export const copyWhileWritten: Stage = {
  phase: 'copy',
  async run(shard) {
    const { target } = shard.ends
    const hold = { ...holdOf(shard), epoch: shard.epoch }
    await removeTenant(shard, 'target', { mode: 'receiving' })
    await rowsOf(target).forgetProgress(hold)
    await (isAsked(shard) ? copyPageByPage(shard) : copyOneMoment(shard))
    await advanceSequences(shard, 'target')
    await store(shard, { rowsCopied: shard.rowsCopied })
  },
}

async function copyOneMoment(shard: Shard): Promise<void> {
  const { source, target } = sqlEndsOf(shard)
  const hold = { ...holdOf(shard), epoch: shard.epoch }
  await withSnapshot(source, hold, async (snapshot) => {
    await copyTables(shard, {
      ends: { source: await snapshot.share(), target },
      known: new Map(),
    })
    const sync = { seen: snapshot.seen, fingerprint: shard.survey.fingerprint }
    await inTransaction(target.pool, async (client) => {
      await holdReceiving(client, hold, target)
      await writeSync(client, hold, sync)
    })
  })
}

/**
 * Each page as it is when it is read: whatever has changed after the position comes with the first
 * round, and so does a row that collides with one which was read at another moment, or was read
 * before its parent.
 */
async function copyPageByPage(shard: Shard): Promise<void> {
  const hold = { ...holdOf(shard), epoch: shard.epoch }
  const position = await feedOf(shard, 'source').position(hold)
  let lacking = false
  const onLeftOut = () => {
    lacking = true
  }
  await copyTables(shard, { ends: shard.ends, known: new Map(), onLeftOut })
  const { fingerprint } = shard.survey
  await feedOf(shard, 'target').writeSync(hold, { position, fingerprint, lacking, step: 1 })
}

/** Rows that the plan has allowed to stay behind. */
export async function tellQuarantined(shard: Shard): Promise<void> {
  const { tenant, epoch, plan } = shard
  const key = { scope: plan.scope, tenant, epoch }
  const all = await rowsOf(shard.ends.target).readQuarantined(key)
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
  const advance = (route: Route, reached: TableProgress) => {
    progress.set(route.target.name, reached)
    shard.rowsCopied = [...progress.values()].reduce((rows, table) => rows + table.rowsRead, 0)
  }
  const copyOne = async (route: Route, signal: AbortSignal) => {
    const from = progress.get(route.target.name) ?? nothingRead
    const reached = await copyRoute(shard, route, {
      ...{ ends, from, signal, onLeftOut },
      onChunk: async (reached) => {
        advance(route, reached)
        reportProgress(shard)
        await store(shard, { rowsCopied: shard.rowsCopied })
      },
    })
    advance(route, reached)
    const { rowsRead, rowsWritten } = reached
    shard.tell(`copied ${route.source.name}: ${rowsRead} rows read, ${rowsWritten} written`)
  }
  for (const wave of wavesOf(routes, replicate)) {
    const limit = lanesOf(shard.plan)
    await inParallel(wave, { limit, signal: shard.signal }, copyOne)
  }
  shard.evidence.copied = Object.fromEntries(
    [...progress].map(([name, { rowsRead, rowsWritten }]) => [
      name,
      { read: rowsRead, written: rowsWritten },
    ]),
  )
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
  const together = !replicate && (route.selfReference || cycle.includes(route.target.name))
  const chunkRows = together ? Number.POSITIVE_INFINITY : shard.plan.chunkRows
  try {
    const asTexts = route.stream || route.plan.quarantine || hasNewIds(route)
    if (asTexts || source.kind !== 'sql' || target.kind !== 'sql') {
      return await copyRouteTexts(shard, route, { ...copying, chunkRows })
    }
    return await copyTable({ source, target }, route, {
      ...options,
      hold: holdAt(target, { ...holdOf(shard), epoch: shard.epoch }),
      mapper: route.transform
        ? transformMapper(route, contextOf(shard), { oneFormat: together })
        : passThrough(route),
      chunkRows,
      replicate,
    })
  } catch (error) {
    throw explain(error, `copying "${route.source.name}" to "${route.target.name}"`)
  }
}

async function copyRouteTexts(
  shard: Shard,
  route: Route,
  { ends, from, signal, onChunk, onLeftOut, chunkRows }: RouteCopy & { readonly chunkRows: number },
): Promise<TableProgress> {
  const hold = { ...holdOf(shard), epoch: shard.epoch }
  const { replicate } = shard.survey
  const leavingOut = onLeftOut && { path: route.targetPath, tell: onLeftOut }
  return await copyTexts({ source: rowsOf(ends.source), target: rowsOf(ends.target) }, route, {
    reading: { ...tenantRows(shard, route, 'source'), key: route.sourceKey, signal },
    writing: { hold, table: route.target, replicate, from, leavingOut },
    mapper: mapperOf(route, contextOf(shard), { plainRows: false }),
    renumber: renumberOf(shard, route),
    chunkRows,
    onChunk,
  })
}

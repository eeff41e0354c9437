/**
 * Rows of everybody between ends of which one is asked over HTTP: they are read page by page, and
 * each batch is one request. Offline alone: what newly refers to some is brought by rounds.
 */
import { tenantRows } from '../attempt/planned-rows.ts'
import { holdOf, type Shard } from '../attempt/shard.ts'
import type { Ends } from '../ends/end.ts'
import { nothingRead } from '../ends/rows.ts'
import type { Texts } from '../ends/tenant-rows.ts'
import { byWeight } from '../ends/weight.ts'
import type { Route } from '../plan/routing/route.ts'
import { toRehomeError } from '../postgres.ts'
import { isRehearsal, passIds, reachedBy, settlingOf, tell } from './shared-batches.ts'
import { refuseDiffering, refuseUnsettled } from './unsettled-shared.ts'

/** An end has no snapshot and no transaction that several requests share. */
export function areAsked({ source, target }: Ends): boolean {
  return !source.sql || !target.sql
}

/** So many are locked at once. */
const rowsMax = 250

/** Throws SHARED_ROWS_DIFFER. */
export async function compareByPages(shard: Shard, strict: readonly Route[]): Promise<void> {
  for (const route of strict) {
    await eachBatch(shard, shard.ends, route, async (rows) => {
      const batch = { ...settlingOf(shard, route), rows }
      refuseDiffering(shard, route, await shard.ends.target.rows.differingShared(batch))
    })
  }
}

/** Throws SHARED_ROWS_MISSING and FOREIGN_KEY_BROKEN. */
export async function bringByPages(shard: Shard, ends: Ends): Promise<void> {
  for (const route of shard.survey.shared) {
    const total = { rows: 0, inserted: 0, kept: 0, updated: 0 }
    await eachBatch(shard, ends, route, async (rows) => {
      if (!isRehearsal(shard)) await passIds(shard, reachedBy(route, rows))
      const batch = { ...settlingOf(shard, route), rows }
      const settled = await ends.target.rows.settleShared(holdOf(shard), batch)
      refuseUnsettled(shard, route, settled)
      total.rows += rows.length
      total.inserted += settled.inserted
      total.updated += settled.updated
      total.kept += settled.differing.length - settled.updated
    })
    tell(shard, route, total)
  }
}

async function eachBatch(
  shard: Shard,
  { source }: Ends,
  route: Route,
  work: (rows: readonly Texts[]) => Promise<void>,
): Promise<void> {
  const { columns, sourceKey: key } = route
  const reading = { ...tenantRows(shard, route, 'source'), columns, key }
  const { signal } = shard
  try {
    for await (const { rows } of source.rows.pages({ ...reading, after: nothingRead, signal })) {
      for (const some of byWeight(rows, (texts) => texts, { rowsMax })) {
        signal.throwIfAborted()
        await work(some)
      }
    }
  } catch (error) {
    throw toRehomeError(error, `shared rows of "${route.source.name}"`)
  }
}

/**
 * A move without a fence: the tenant is copied, transformed and compared as it was at one moment,
 * while it goes on writing, into the target that is closed for it; then all of that is removed.
 */

import { holdOf, type Shard, type Stage } from '../attempt/shard.ts'
import { now, round } from '../clock.ts'
import { verifyEverything } from '../comparison/verification.ts'
import { copyTables, tellQuarantined } from '../copying/copy-tables.ts'
import type { Ends } from '../ends/end.ts'
import { withSnapshot } from '../ends/postgres/changes/snapshot.ts'
import { databaseEnd } from '../ends/postgres/database-end.ts'
import { RehomeError } from '../errors.ts'
import { feedOf } from '../follow/feeds.ts'
import { hasNewIds } from '../plan/new-ids.ts'
import { pauseOverheadMs } from './catch-up.ts'
import { removeTenant } from './remove-tenant.ts'

export const rehearse: Stage = {
  phase: 'rehearse',
  isPaced: true,
  async run(shard) {
    try {
      await atOneMoment(shard, (ends) => rehearseOnce(shard, ends))
    } finally {
      // Otherwise a later attempt, or the worker that took the move over, removes it.
      if (!shard.signal.aborted) await removeAll(shard)
    }
  },
}

/**
 * Runs work on snapshots of databases. An end over HTTP answers each request with its current rows.
 */
async function atOneMoment(shard: Shard, work: (ends: Ends) => Promise<void>): Promise<void> {
  const { source, target } = shard.ends
  if (!source.sql) return await untilStill(shard, () => work(shard.ends))
  await withSnapshot(source.sql, holdOf(shard), async (snapshot) => {
    await work({ source: databaseEnd(await snapshot.share()), target })
  })
}

const triesMax = 3

/** Rows may differ for no other reason than that the tenant wrote between two requests. */
async function untilStill(shard: Shard, work: () => Promise<void>): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await work()
    } catch (error) {
      const passes =
        error instanceof RehomeError && ['ROWS_DIFFER', 'FOREIGN_KEY_BROKEN'].includes(error.code)
      if (!passes) throw error
      if (tries === triesMax) throw whileWriting(error)
      shard.tell(`${error.message}: the tenant may have written meanwhile, so once more`)
      await removeCopy(shard)
      shard.rowsCopied = 0
    }
  }
}

function whileWriting({ code, message, data, cause }: RehomeError): RehomeError {
  const why = `${triesMax} times; the source is reached over HTTP, so this may be for what the tenant wrote meanwhile`
  return new RehomeError(code, `${message} (${why}: rehearse when it is quiet)`, { data, cause })
}

async function rehearseOnce(shard: Shard, ends: Ends): Promise<void> {
  const start = now()
  await copyTables(shard, { ends, known: new Map() })
  await tellQuarantined(shard)
  const copyMs = now() - start
  const rehearsal = { rows: shard.rowsCopied, copyMs: round(copyMs) }
  shard.evidence.rehearsal = rehearsal
  await verifyEverything(shard, ends)
  const verifyMs = now() - start - copyMs
  const drainMs = await untilWritersEnd(shard)
  // Online all of that is done before the fence.
  const fencedMs = shard.plan.strategy === 'online' ? 0 : copyMs + verifyMs
  shard.evidence.rehearsal = {
    ...rehearsal,
    verifyMs: round(verifyMs),
    rowsPerS: Math.round((shard.rowsCopied * 1000) / Math.max(1, copyMs)),
    predictedPauseMs: round(fencedMs + drainMs + pauseOverheadMs),
  }
}

/** The time that a drain that began now would take; unknown without a feed. */
async function untilWritersEnd(shard: Shard): Promise<number> {
  const { ends, survey, tenant, signal, plan } = shard
  if (!ends.source.sql && !survey.source.feed) return 0
  const { drainMs } = plan.fence
  return await feedOf(shard, 'source').waitForWriters({ tenant, drainMs, signal })
}

async function removeAll(shard: Shard): Promise<void> {
  const { target } = shard.ends
  const hold = holdOf(shard)
  await removeCopy(shard)
  if (hasNewIds(shard.plan)) {
    await target.rows.forgetNewIds({ ...hold, runId: shard.run.id })
  }
  await target.flags.giveUpTarget(hold)
}

async function removeCopy(shard: Shard): Promise<void> {
  await removeTenant(shard, 'target', { mode: 'receiving' })
  await shard.ends.target.rows.forgetProgress(holdOf(shard))
}

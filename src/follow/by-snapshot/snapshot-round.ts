/**
 * One round between two databases: the target becomes what the source was at one moment, by what
 * has changed since the round before, in one transaction. A worker that dies in it has changed
 * nothing.
 */

import { contextOf } from '../../attempt/context.ts'
import { advanceTo, reachedIds } from '../../attempt/sequences.ts'
import { holdOf, type Shard, sqlEndsOf } from '../../attempt/shard.ts'
import { now, round } from '../../clock.ts'
import { verifyEverything, verifyPart } from '../../comparison/verification.ts'
import { type Bringing, forgetKeys } from '../../ends/postgres/changes/brought-keys.ts'
import { forgetChanges } from '../../ends/postgres/changes/change-log.ts'
import { type Changes, selectChanges } from '../../ends/postgres/changes/changes.ts'
import {
  commitWithCheckpoint,
  forgetCheckpoint,
  readCheckpoint,
} from '../../ends/postgres/changes/checkpoints.ts'
import { changedTables } from '../../ends/postgres/changes/logged-tables.ts'
import {
  poolOfOne,
  type Snapshot,
  type SnapshotOf,
  withSnapshot,
} from '../../ends/postgres/changes/snapshot.ts'
import { databaseEnd } from '../../ends/postgres/database-end.ts'
import { beginWriting } from '../../ends/postgres/fence/begin-writing.ts'
import { beginReceiving, holdReceiving } from '../../ends/postgres/fence/holds.ts'
import type { Reached } from '../../ends/rows.ts'
import { RehomeError } from '../../errors.ts'
import { type Client, inTransactionOf, withClient } from '../../postgres.ts'
import type { Extent, Round } from '../follower.ts'
import { dueChanges, partOf, refuseBrokenByLeaving, replaceRows } from './changed-rows.ts'
import { bringSharedOf } from './changed-shared.ts'
import { noteSeen, seenBy } from './seen.ts'

/** Throws what comparisons throw, and FENCE_LOST where the target is another attempt's. */
export async function bringOnce(shard: Shard, compared: Extent): Promise<Round> {
  const start = now()
  const { source, target } = sqlEndsOf(shard)
  const hold = { ...holdOf(shard), epoch: shard.epoch }
  const changes = await changesSince(shard)
  const { done, seen } = await withSnapshot(source, lookOf(changes), async (snapshot) => {
    const done = await bring(shard, { snapshot, changes, compared }).catch(
      async (error: unknown) => {
        if (needsNewCopy(shard, error)) await forgetCheckpoint(target.lifeline, hold)
        throw error
      },
    )
    if (compared === 'everything') {
      await verifyEverything(shard, {
        source: databaseEnd(await snapshot.share()),
        target: shard.ends.target,
      })
    }
    return { done, seen: snapshot.seen }
  })
  const ms = round(now() - start)
  await advanceTo(shard, done.reached)
  const logs = changes.tables.map(({ log }) => log)
  // Remaining log entries are harmless: while the tenant is fenced they are left for later.
  if (done.changes > 0 && compared !== 'the last changes') {
    await forgetChanges(source.pool, logs, { ...holdOf(shard), seen })
  }
  const { reached: _, ...counts } = done
  return { ...counts, ms }
}

/**
 * Rows cannot come one by one in place, and so would fail every round from here on: a further
 * attempt finds no checkpoint, and copies anew. The old home of a rollback is not copied to.
 */
function needsNewCopy({ survey, goesBack }: Shard, error: unknown): boolean {
  return (
    !survey.replicate &&
    !goesBack &&
    error instanceof RehomeError &&
    error.retryable &&
    (error.code === 'ID_COLLISION' || error.code === 'FOREIGN_KEY_BROKEN')
  )
}

/** Brings and compares everything, and undoes it. Throws what a round throws. */
export async function tryOnce(shard: Shard): Promise<{ changes: number; ms: number }> {
  const start = now()
  const { source, target } = sqlEndsOf(shard)
  const changes = await changesSince(shard)
  return await withSnapshot(source, lookOf(changes), async (snapshot) => {
    const due = await dueChanges(snapshot, changes)
    // Where nothing goes back, our role need not be allowed to switch foreign keys off.
    const beginning = due.tables.length > 0 ? beginRound(shard) : 'begin'
    await inTransactionOf(target.pool, beginning, async (client) => {
      await holdReceiving(client, holdOf(shard), sqlEndsOf(shard).target)
      await client.query('savepoint before')
      const work = { ...due, bringing: bringingOf(shard, snapshot, client), changes }
      // Others write such rows, and do not wait while everything is compared.
      await bringSharedOf(shard, work)
      await client.query('rollback to before')
      const { gone } = await replaceRows(shard, work)
      await refuseBrokenByLeaving(shard, { ...work, gone })
      const pool = poolOfOne(target.pool, client)
      const within = { ...target, pool, within: 'transaction' } as const
      await verifyEverything(shard, {
        source: databaseEnd(await snapshot.share()),
        target: databaseEnd(within),
      })
      await client.query('rollback to before')
    })
    return { changes: due.total, ms: round(now() - start) }
  })
}

/** The first look at a snapshot: how much has changed. */
function lookOf(changes: Changes): SnapshotOf {
  const { scope, tenant } = changes.key
  return { scope, tenant, select: selectChanges(changes) }
}

async function changesSince(shard: Shard): Promise<Changes> {
  const key = { ...holdOf(shard), epoch: shard.epoch }
  const since = seenBy(shard) ?? (await readCheckpoint(sqlEndsOf(shard).target.lifeline, key))?.seen
  if (since === undefined) {
    throw new RehomeError('UNEXPECTED', 'there is no copy that could catch up')
  }
  noteSeen(shard, since)
  return { key, since, tables: changedTables(shard.plan.scope, shard.survey) }
}

interface Work {
  readonly snapshot: Snapshot
  readonly changes: Changes
  readonly compared: Extent
}

type Done = Omit<Round, 'ms'> & { readonly reached: readonly Reached[] }

/** Where foreign keys can be off they are checked afterwards: see replaceRows. */
function beginRound({ survey: { replicate } }: Shard): string {
  return beginWriting({ replicate, readsMeanwhile: true })
}

async function bring(shard: Shard, { snapshot, changes, compared }: Work): Promise<Done> {
  const { tables, total } = await dueChanges(snapshot, changes)
  if (tables.length === 0) return { changes: 0, removed: 0, brought: 0, compared: 0, reached: [] }
  const end = sqlEndsOf(shard).target
  const done = await withClient(end.pool, async (client) => {
    await beginReceiving(client, holdOf(shard), { end, begin: beginRound(shard) })
    const work = { bringing: bringingOf(shard, snapshot, client), changes, tables }
    const brought = await bringSharedOf(shard, work)
    const { gone, ...replaced } = await replaceRows(shard, work)
    const part = partOf(shard, work)
    const compares = compared === 'changes' || compared === 'the last changes'
    const rows = compares ? await verifyPart(part) : 0
    // On the way back rows may refer to them that are not compared.
    if (shard.goesBack || compares) await refuseBrokenByLeaving(shard, { ...work, gone })
    const reached = [...(await reachedIds(part, 'target')), ...brought]
    const hold = { ...holdOf(shard), epoch: shard.epoch }
    const { fingerprint } = shard.survey
    const last = forgetKeys(changes.key)
    await commitWithCheckpoint(client, hold, { seen: snapshot.seen, fingerprint, last })
    return { changes: total, ...replaced, compared: rows, reached }
  })
  noteSeen(shard, snapshot.seen)
  return done
}

function bringingOf(shard: Shard, snapshot: Snapshot, target: Client): Bringing {
  const { source, target: there } = sqlEndsOf(shard)
  return { source, reader: snapshot.client, target, there, context: contextOf(shard) }
}

/**
 * One round of catching up: the target becomes what the source was at one moment, by what has
 * changed since the round before, in one transaction. Whoever dies in it has changed nothing.
 */
import { now, round } from '../clock.ts'
import { forgetChanges } from '../endpoints/sql/change-log.ts'
import {
  type Bringing,
  bringChildren,
  bringKeys,
  type ChangedTable,
  type Changes,
  changedAtSource,
  changedAtTarget,
  countChanges,
  forgetKeys,
} from '../endpoints/sql/changes.ts'
import { passThrough } from '../endpoints/sql/copy-table.ts'
import { holdReceiving } from '../endpoints/sql/flags.ts'
import { bringChanged, removeChanged } from '../endpoints/sql/replace-rows.ts'
import { poolOfOne, type Snapshot, withSnapshot } from '../endpoints/sql/snapshot.ts'
import { readSync, writeSync } from '../endpoints/sql/syncs.ts'
import { transformMapper } from '../endpoints/sql/transform-mapper.ts'
import { RehomeError } from '../errors.ts'
import type { Route } from '../plan/routes.ts'
import { inTransactionOf } from '../postgres.ts'
import { contextOf } from './context.ts'
import { advanceTo, type Reached, reachedIds } from './sequences.ts'
import { holdOf, type Shard } from './shard.ts'
import { changedTables } from './survey.ts'
import { verifyEverything, verifyPart } from './verification.ts'

/**
 * What is compared: nothing; what this round has brought, before it is committed; or all rows, at
 * the moment whose rows it has brought.
 */
export type Compared = 'nothing' | 'changes' | 'everything'

export interface Round {
  /** Entries of the log: a row that changed twice counts twice. */
  readonly changes: number
  readonly removed: number
  readonly brought: number
  readonly compared: number
  readonly ms: number
}

/** Throws what comparisons throw, and FENCE_LOST where the target is another attempt's. */
export async function catchUpOnce(shard: Shard, compared: Compared): Promise<Round> {
  const start = now()
  const { source, target } = shard.ends
  const hold = { ...holdOf(shard), epoch: shard.epoch }
  const tables = changedTables(shard.plan.scope, shard.survey)
  const sync = await readSync(target.lifeline, hold)
  if (!sync) throw new RehomeError('UNEXPECTED', 'there is no copy that could catch up')
  const { done, seen } = await withSnapshot(source, hold, async (snapshot) => {
    const changes = { key: hold, since: sync.seen, tables }
    const done = await bring(shard, { snapshot, changes, compared })
    if (compared === 'everything') {
      await verifyEverything(shard, { source: await snapshot.share(), target })
    }
    return { done, seen: snapshot.seen }
  })
  const ms = round(now() - start)
  for (const reached of done.reached) await advanceTo(shard, reached)
  const logs = tables.map(({ log }) => log)
  if (done.changes > 0) await forgetChanges(source.pool, logs, { ...hold, seen })
  const { changes, removed, brought, compared: rows } = done
  return { changes, removed, brought, compared: rows, ms }
}

interface Work {
  readonly snapshot: Snapshot
  readonly changes: Changes
  readonly compared: Compared
}

type Done = Omit<Round, 'ms'> & { readonly reached: readonly Reached[] }

async function bring(shard: Shard, { snapshot, changes, compared }: Work): Promise<Done> {
  const counts = await countChanges(snapshot.client, changes)
  const tables = touched(changes.tables, counts)
  const nothing = { changes: 0, removed: 0, brought: 0, compared: 0, reached: [] }
  if (tables.length === 0) return nothing
  const { source, target } = shard.ends
  const begin = 'begin; set local session_replication_role = replica'
  return await inTransactionOf(target.pool, begin, async (client) => {
    await holdReceiving(client, holdOf(shard))
    const bringing = { source, reader: snapshot.client, target: client, context: contextOf(shard) }
    const replaced = await replaceRows(shard, { bringing, changes, tables })
    const part = partOf(shard, { bringing, changes, tables })
    const rows = compared === 'changes' ? await verifyPart(part) : 0
    const reached = await reachedIds(part, 'target')
    await forgetKeys(client, changes.key)
    const hold = { ...holdOf(shard), epoch: shard.epoch }
    const { fingerprint } = shard.survey
    await writeSync(client, hold, { seen: snapshot.seen, fingerprint })
    const total = [...counts.values()].reduce((sum, n) => sum + n, 0)
    return { changes: total, ...replaced, compared: rows, reached }
  })
}

interface Replacing {
  readonly bringing: Bringing
  readonly changes: Changes
  readonly tables: readonly ChangedTable[]
}

async function replaceRows(
  shard: Shard,
  { bringing, changes, tables }: Replacing,
): Promise<{ removed: number; brought: number }> {
  const { schema } = shard.ends.target
  for (const table of tables) await bringKeys(bringing, changes, table)
  for (const table of tables) await bringChildren(bringing, changes, { table, schema })
  let [removed, brought] = [0, 0]
  for (const table of tables.toReversed()) {
    shard.signal.throwIfAborted()
    removed += await removeChanged(bringing, changes, { table, schema })
  }
  for (const table of tables) {
    shard.signal.throwIfAborted()
    const { route } = table
    const mapper = route.transform
      ? transformMapper(route, bringing.context, { oneFormat: false })
      : passThrough(route)
    brought += await bringChanged(bringing, changes, { table, schema, mapper })
  }
  // Children that came with their parents stand in no log.
  for (const table of tables) await bringChildren(bringing, changes, { table, schema })
  return { removed, brought }
}

/** The changed rows alone, as both transactions see them. */
function partOf(shard: Shard, { bringing, changes, tables }: Replacing): Shard {
  const { source, target } = shard.ends
  const of = (route: Route) => tables.find((table) => table.route === route) as ChangedTable
  return {
    ...shard,
    ends: {
      source: { ...source, pool: poolOfOne(source.pool, bringing.reader), within: 'snapshot' },
      target: { ...target, pool: poolOfOne(target.pool, bringing.target) },
    },
    survey: { ...shard.survey, routes: tables.map(({ route }) => route) },
    among: (route, end) =>
      end === 'source' ? changedAtSource(changes, of(route)) : changedAtTarget(changes, of(route)),
  }
}

/** Those with changes of their own, and those whose rows hang on such. Parents first. */
function touched(
  tables: readonly ChangedTable[],
  counts: ReadonlyMap<string, number>,
): ChangedTable[] {
  const names = new Set([...counts].filter(([, n]) => n > 0).map(([name]) => name))
  const found: ChangedTable[] = []
  for (const table of tables) {
    const { sourcePath, source } = table.route
    const hangs = sourcePath.kind === 'through' && names.has(sourcePath.parent)
    if (!names.has(source.name) && !hangs) continue
    names.add(source.name)
    found.push(table)
  }
  return found
}

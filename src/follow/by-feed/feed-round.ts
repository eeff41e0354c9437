/**
 * One round of catching up, where an end is asked over HTTP: many requests, each of which sees the
 * source at another moment, and many steps, each of which is one commit at the target. Whatever
 * changes between any two of them, a round is right by this invariant:
 *
 *   A row that the target lacks, or holds as it is no more, is brought by a later step of this
 *   round, or it has changed after the position that the round stores at its end.
 *
 * A row has changed when its own key is in the log, or that of a row above it whose entry shows
 * that its children changed with it. The invariant holds because of the order of the requests:
 *
 * 1. The position is taken before anything else is read, and stored after the last step. So what
 *    changes during the round comes again with the next one.
 * 2. Of each table the log is read first (`before`: rows as they were), the rows that are there
 *    last (`now`). A row counts as gone only if the log has it and the later look at the rows has
 *    not. A row that was changed between the two is there, and stays. If it had gone by then and
 *    comes back, it comes by a change after the position, which brings its children, too.
 * 3. Parents come before their children, so children are read after every step that removed them.
 *    Rows go together with their children. If the log shows that the children changed, those that
 *    are there come again in this round; of rows that have gone the log is asked once more, as most
 *    went after the first look. If it does not show it (a transform leaves the row behind), or if a
 *    row was left out because it collided, the round is `lacking`: it does not move the position,
 *    and the next pass brings the children of every changed row.
 *
 * So at the end of a round the target has all that had changed up to the position, and some of what
 * came later; and under the fence, where nothing comes later, it has what the source has.
 *
 * Two rows that were read at different moments may claim one unique value. Of the two the one that
 * is read later has come to it after the position: the source itself never let both have it. So the
 * row that is left out comes again with the next round; a row that is left out, and has not changed
 * since the position, collides with a row that is somebody else's. The same holds for a row that is
 * read before its parent.
 */

import { advanceTo } from '../../attempt/sequences.ts'
import { holdOf, type Shard } from '../../attempt/shard.ts'
import { now, round } from '../../clock.ts'
import type { Since } from '../../ends/feed.ts'
import type { ChangedTable } from '../../ends/postgres/changes/changes.ts'
import { RehomeError } from '../../errors.ts'
import { feedOf, reachedBy } from '../feeds.ts'
import type { Extent, Round } from '../follower.ts'
import { dueTables } from './feed-due.ts'
import { isFull, nothingTouched, type Touched, touchedSince } from './feed-keys.ts'
import type { MappedRow } from './feed-reading.ts'
import { settleReferences } from './feed-references.ts'
import { type Brought, bringTable } from './feed-rows.ts'
import { verifyFollowed, verifyTouched } from './feed-verification.ts'

/** Consecutive incomplete rounds before giving up. */
const incompleteRoundsMax = 10

/** Throws what comparisons throw, and FENCE_LOST where the target is another attempt's. */
export async function followOnce(shard: Shard, extent: Extent): Promise<Round> {
  let compared = extent
  const start = now()
  const counts = { changes: 0, removed: 0, brought: 0, compared: 0 }
  const touched: (readonly Touched[])[] = []
  for (let tries = 1; ; tries += 1) {
    const passed = await pass(shard, compared)
    touched.push(passed.touched)
    counts.changes += passed.changes
    counts.removed += passed.removed
    counts.brought += passed.brought
    if (compared === 'nothing') break
    const { since } = passed
    const outcome = since.everyChild ? leftOut() : await verify(shard, compared, { touched, since })
    if (typeof outcome === 'number') {
      counts.compared += outcome
      break
    }
    if (tries >= incompleteRoundsMax) throw restless(outcome)
    // A table whose rows cannot be told apart has to be looked at as a whole.
    if (!since.everyChild && compared === 'changes') compared = 'everything'
  }
  return { ...counts, ms: round(now() - start) }
}

/** How many rows were compared; or why another round has to come first. */
async function verify(
  shard: Shard,
  compared: Extent,
  { touched, since }: { readonly touched: readonly (readonly Touched[])[]; readonly since: Since },
): Promise<number | RehomeError> {
  if (compared === 'everything') return (await verifyFollowed(shard, since)) ?? 0
  let rows = 0
  for (const some of touched) {
    const outcome = await verifyTouched(shard, some, compared === 'changes' ? since : null)
    if (typeof outcome !== 'number') return outcome
    rows += outcome
  }
  return rows
}

/**
 * Makes a difference retryable while rows change this quickly: it may settle with another attempt.
 */
function restless({ code, message, data }: RehomeError): RehomeError {
  return new RehomeError(code, message, { data, retryable: true })
}

function leftOut(): RehomeError {
  const message = `${incompleteRoundsMax} rounds one after the other have left rows out: they change more quickly than they can be brought`
  return new RehomeError('PAUSE_OVER_BUDGET', message)
}

interface Passed {
  readonly changes: number
  readonly removed: number
  readonly brought: number
  readonly touched: readonly Touched[]
  /** Changes after the beginning of this pass. */
  readonly since: Since
}

/** Once through all that has changed. */
async function pass(shard: Shard, compared: Extent): Promise<Passed> {
  const [source, target] = [feedOf(shard, 'source'), feedOf(shard, 'target')]
  const key = { ...holdOf(shard), epoch: shard.epoch }
  const { step: last, since: before } = await reachedBy(shard)
  const position = await source.position(key)
  const due = await dueTables(shard, before)
  if (due.tables.length === 0) {
    // Where nothing has changed, no row can depend on a change.
    const since = { ...before, everyChild: false }
    return { changes: 0, removed: 0, brought: 0, touched: [], since }
  }
  const bringing = { since: before, steps: { last }, undone: false }
  const after = { ...before, position, everyChild: false }
  const touched: Touched[] = []
  const all: Brought[] = []
  for (const table of due.tables) {
    const own = nothingTouched(table)
    touched.push(own)
    const brought = await bringTable(shard, own, bringing)
    await refuseCollisions(shard, table, { since: after, rows: brought.collided })
    all.push(brought)
  }
  const lacking = all.some((one) => one.lacking)
  const { fingerprint } = shard.survey
  // Rows that depend on a row that was left out for a while may have changed without an entry
  // since: then all of it comes again, and all rows that depend on any of it.
  const reached = lacking ? { ...before, everyChild: true } : after
  const { position: stored } = reached
  const step = bringing.steps.last + 1
  await target.writeCheckpoint(key, { position: stored, lacking, fingerprint, step })
  await advanceIds(shard, all)
  const isLast = compared === 'the last changes'
  // On the way back rows may refer to them that are not compared.
  if (shard.goesBack && !isLast) await settleReferences(shard, touched, 'while written')
  // A later attempt has to see again what was in the midst of it. What is left does no harm.
  if (!isLast && !lacking && shard.unsettled.size === 0) {
    await source.forgetChanges({ ...key, position })
  }
  const sum = (of: (one: Brought) => number) => all.reduce((total, one) => total + of(one), 0)
  return {
    changes: due.total,
    removed: sum(({ removed }) => removed),
    brought: sum(({ brought }) => brought),
    touched,
    since: reached,
  }
}

/** Throws ID_COLLISION where rows collide that have not changed since the round began. */
async function refuseCollisions(
  shard: Shard,
  table: ChangedTable,
  { since, rows }: { readonly since: Since; readonly rows: readonly MappedRow[] },
): Promise<void> {
  if (rows.length === 0) return
  const changed = await touchedSince(shard, table, since)
  const real = rows.filter(({ key }) => !isFull(changed) && !changed.target.has(key))
  const [first] = real
  if (!first) return
  const { target, targetKey } = table.route
  const named = `(${targetKey.join(', ')}) = (${first.key.join(', ')})`
  const message = `"${target.name}" at the ${shard.ends.target.name}: ${real.length} rows collide with existing ones, e.g. the one with ${named}`
  const data = { keys: real.slice(0, 20).map(({ key }) => key.join(',')) }
  // What it collides with may have changed between two looks: then another attempt finds it gone.
  throw new RehomeError('ID_COLLISION', message, { data, retryable: true })
}

async function advanceIds(shard: Shard, all: readonly Brought[]): Promise<void> {
  const reached = all.flatMap(({ ids }) => [...ids].map(([sequence, id]) => ({ sequence, id })))
  await advanceTo(shard, reached)
}

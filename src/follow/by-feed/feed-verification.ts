/**
 * The comparison where an end is reached over HTTP, and why it is sufficient.
 *
 * Both ends are read anew, rows are transformed a second time, and each end hashes what it holds. A
 * row that differs is excused only where the log, asked *after* the hashes were read, has it among
 * what changed since the position up to which the target has everything: then a later round brings
 * it, and compares it again. Any other difference is looked at again while the tenant writes, and
 * is one if it stays.
 *
 * Hence a row that was once equal, and has neither changed since nor been touched by a round, is
 * equal still; and each round compares all that it has touched: rows that changed, and at both ends
 * all rows under parents with which children went or came, whether the round has read them or not.
 * The last round, under the fence, excuses nothing. So at the cutover every row has been found
 * equal as it is.
 *
 * References are looked at in the same way: of all rows once, until none is broken while the tenant
 * writes; then of those rows that came or went, and again under the fence of those that were in the
 * midst of it.
 */

import type { Shard } from '../../attempt/shard.ts'
import { wayBackOf } from '../../attempt/way-back.ts'
import { compareTable, hashesOfSome, type TableComparison } from '../../comparison/compare.ts'
import { type Difference, differencesOf } from '../../comparison/differences.ts'
import { refuseBrokenInvariants } from '../../comparison/invariants.ts'
import {
  allBroken,
  referencesBroken,
  refuseChangedSchema,
  rowsDiffer,
} from '../../comparison/verification.ts'
import type { Since } from '../../ends/feed.ts'
import { RehomeError } from '../../errors.ts'
import { known } from '../../known.ts'
import type { Route } from '../../plan/routing/route.ts'
import { feedOf } from '../feeds.ts'
import { changingKeys, nothingChanges, underParents, underSourceParents } from './feed-excuses.ts'
import { isFull, type Touched } from './feed-keys.ts'
import { settleReferences } from './feed-references.ts'

/** More differences than these are brought first, and then looked at. */
const differencesMax = 20_000

/**
 * The shard in the plan's direction, whichever way it goes: what has come back is compared on it.
 */
function theWayThere(shard: Shard): Shard {
  return shard.goesBack ? wayBackOf(shard) : shard
}

/** Looks at all rows of each table. */
function looksAtAll(shard: Shard): Look[] {
  const there = theWayThere(shard)
  return there.survey.routes.map(
    (route) => () => compareTable(there, route, { named: differencesMax }),
  )
}

function routeThere(shard: Shard, route: Route): Route {
  return shard.goesBack ? known(route.backOf) : route
}

/**
 * Compares all rows. null: they are equal; else why another round has to come first. Throws
 * ROWS_DIFFER, FOREIGN_KEY_BROKEN, INVARIANT_BROKEN or SCHEMA_CHANGED.
 */
export async function verifyFollowed(shard: Shard, since: Since): Promise<RehomeError | null> {
  const settled = await lookUntilSettled(shard, looksAtAll(shard), since)
  if (settled instanceof RehomeError) return settled
  shard.evidence.verified = { hash: shard.survey.hash, tables: settled }
  refuseDifferent(settled)
  const broken = await allBroken(shard)
  if (broken.length > 0) {
    const error = referencesBroken(shard, broken)
    if (await isChanging(shard, since)) return error
    throw error
  }
  await refuseBrokenInvariants(shard, shard.ends)
  await refuseChangedSchema(shard)
  const rows = settled.reduce((total, { found }) => total + found, 0)
  const changing = settled.reduce((total, table) => total + (table.changing ?? 0), 0)
  const but = changing > 0 ? `, but for ${changing} that were changing` : ''
  shard.tell(`verified ${rows} rows in ${settled.length} tables: both ends are equal${but}`)
  return null
}

/** Looks at one table, while its source is written. Throws nothing for what differs. */
type Look = () => Promise<TableComparison>

/** Times that a table is looked at which differs while the tenant writes. */
const looksMax = 4

/**
 * Compares tables. A look reads both ends, and then the log, at different moments: a row that came
 * and went in between differs and is in no log. A row that is found equal by any look is settled,
 * so tables with such differences are looked at again, while there are changes at all that could
 * explain them; no row is brought in between, so a row that is damaged differs each time. While the
 * tenant writes much, each look may find another row in the midst of a change: what counts is a row
 * that differs in every look.
 *
 * `since`: null excuses nothing, and looks once. Returns an error where the comparison is
 * inconclusive, so that another round has to come first.
 */
async function lookUntilSettled(
  shard: Shard,
  looks: readonly Look[],
  since: Since | null,
): Promise<TableComparison[] | RehomeError> {
  const settled: TableComparison[] = []
  let left = looks.map((look, i) => ({ look, i }))
  for (let tries = 1; ; tries += 1) {
    const compared: TableComparison[] = []
    for (const { look } of left) {
      shard.signal.throwIfAborted()
      compared.push(await look())
    }
    const excused = since ? await excuse(shard, compared, since) : compared.map(asFound)
    if (excused === null) return rowsDiffer(compared.filter(({ equal }) => !equal))
    const still = excused.map((table, at) => inBothLooks(table, settled[left[at]?.i ?? 0]))
    for (const [at, table] of still.entries()) settled[left[at]?.i ?? 0] = table
    left = left.filter((_, at) => !still[at]?.equal)
    if (left.length === 0 || since === null || tries >= looksMax) return settled.map(shortened)
    if (!(await isChanging(shard, since))) return settled.map(shortened)
  }
}

/** The later look at a table, without the differences that the looks before it have not found. */
export function inBothLooks(
  table: TableComparison,
  before: TableComparison | undefined,
): TableComparison {
  if (!before || !isComplete(table) || !isComplete(before)) return table
  const both = (now: readonly Difference[] = [], earlier: readonly Difference[] = []) => {
    const earlierKeys = new Set(earlier.map(({ key }) => key))
    return now.filter(({ key }) => earlierKeys.has(key))
  }
  const { misread: read, ...rest } = table
  const keys = both(table.keys, before.keys)
  const misread = both(read, before.misread)
  return {
    ...rest,
    keys,
    differing: keys.length,
    equal: keys.length + misread.length === 0,
    ...(misread.length > 0 && { misread }),
  }
}

/** Every row that differs is named. */
function isComplete({ keys, differing }: TableComparison): boolean {
  return keys.length === differing
}

function shortened({ misread, ...table }: TableComparison): TableComparison {
  const some = misread ? { misread: misread.slice(0, 20) } : {}
  return { ...table, keys: table.keys.slice(0, 20), ...some }
}

function refuseDifferent(tables: readonly TableComparison[]): void {
  const different = tables.filter(({ equal }) => !equal)
  if (different.length > 0) throw rowsDiffer(different)
}

async function isChanging(shard: Shard, since: Since): Promise<boolean> {
  const counts = await feedOf(shard, 'source').countChanges(since)
  return [...counts.values()].some((changes) => changes > 0)
}

/** null: inconclusive. */
async function excuse(
  shard: Shard,
  looks: readonly TableComparison[],
  since: Since,
): Promise<TableComparison[] | null> {
  const doubtful = looks.filter(({ equal }) => !equal)
  if (doubtful.every(({ differing, misread = [] }) => differing + misread.length === 0)) {
    return looks.map((look) => ({ ...look, equal: true }))
  }
  const changing = await changingKeys(shard, since)
  if (changing === null) return null
  const settled: TableComparison[] = []
  for (const { misread = [], ...look } of looks) {
    const { written, read } = changing.get(look.table) ?? nothingChanges
    const left = look.keys.filter(({ key }) => !written.has(key))
    if (left.length === 0 && !isComplete(look)) return null
    const differing = isComplete(look) ? left.length : look.differing
    const wrong = misread.filter(({ key }) => !read.has(key))
    const equal = differing + wrong.length === 0
    const table = { ...look, equal, differing, keys: left }
    const some = look.keys.length - left.length
    settled.push({
      ...table,
      ...(some > 0 && { changing: some }),
      ...(wrong.length > 0 && { misread: wrong }),
    })
  }
  return settled
}

/**
 * Compares the rows that a round has touched. `since`: what has changed since then is excused;
 * null: nothing is. Returns how many rows were compared, or why everything has to be. Throws
 * ROWS_DIFFER or FOREIGN_KEY_BROKEN.
 */
export async function verifyTouched(
  shard: Shard,
  touched: readonly Touched[],
  since: Since | null,
): Promise<number | RehomeError> {
  const looks = touched.map((one) => () => compareTouched(shard, one, touched))
  const settled = await lookUntilSettled(shard, looks, since)
  if (settled instanceof RehomeError) return settled
  refuseDifferent(settled)
  if (since === null) await settleReferences(shard, touched, 'exactly')
  else if (!shard.goesBack) await settleReferences(shard, touched, 'while written')
  return settled.reduce((total, { found }) => total + found, 0)
}

/** At different moments the sums may differ, and no row by then. */
function asFound(look: TableComparison): TableComparison {
  const { misread = [] } = look
  return { ...look, equal: look.differing + misread.length === 0 }
}

async function compareTouched(
  shard: Shard,
  one: Touched,
  all: readonly Touched[],
): Promise<TableComparison> {
  const there = theWayThere(shard)
  const own = routeThere(shard, one.table.route)
  if (isFull(one)) return await compareTable(there, own, { named: differencesMax })
  // Also rows that stand there without having come: they should have gone with their parents.
  const atTarget = [...one.target.lists(), ...underParents(one.table.route, all)]
  // And rows that should have come with their parents, whatever the round has read of them.
  const atSource = [...one.source.lists(), ...underSourceParents(one.table.route, all)]
  const [source, target] = shard.goesBack ? [atTarget, atSource] : [atSource, atTarget]
  const hashes = await hashesOfSome(there, own, { source, target })
  const { expected, found, misread } = hashes
  const differences = differencesOf(hashes)
  return {
    table: own.target.name,
    digest: '',
    notCompared: [],
    expected: expected.size,
    found: found.size,
    differing: differences.length,
    equal: differences.length + misread.length === 0,
    keys: differences.slice(0, differencesMax),
    ...(misread.length > 0 && { misread }),
  }
}

/** Compares rows that have not changed since, where nothing was brought. Throws ROWS_DIFFER. */
export async function verifyUnchanged(shard: Shard, since: Since): Promise<void> {
  const settled = await lookUntilSettled(shard, looksAtAll(shard), since)
  if (!(settled instanceof RehomeError)) refuseDifferent(settled)
  await refuseChangedSchema(shard)
}

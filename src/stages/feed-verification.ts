/**
 * What is compared where an end is asked over HTTP, and why that is enough.
 *
 * Both ends are read anew, rows are transformed a second time, and each end hashes what it holds. A
 * row that differs is excused only where the log, asked *after* the hashes were read, has it among
 * what changed since the position up to which the target has everything: then a later round brings
 * it, and compares it again. Any other difference is one.
 *
 * Hence a row that was once equal, and has not changed since, is equal still; and a row that has
 * changed was compared by the round that brought it. The last round, under the fence, excuses
 * nothing. So at the cutover every row has been found equal as it is.
 *
 * References are looked at in the same way: of all rows once, until none is broken while the tenant
 * writes; then of those rows that came or went, and again under the fence of those that were in the
 * midst of it.
 */
import type { Since } from '../endpoints/feed.ts'
import type { RehomeError } from '../errors.ts'
import type { Route } from '../plan/route.ts'
import { compareTable, differencesOf, hashesOfSome, type TableComparison } from './compare.ts'
import { changingKeys, underParents } from './feed-excuses.ts'
import { isFull, type Touched } from './feed-keys.ts'
import { settleReferences } from './feed-references.ts'
import { feedOf } from './feeds.ts'
import { refuseBrokenInvariants } from './invariants.ts'
import type { Shard } from './shard.ts'
import { allBroken, referencesBroken, refuseChangedSchema, rowsDiffer } from './verification.ts'
import { wayBackOf } from './way-back.ts'

/** More differences than these are brought first, and then looked at. */
const differencesMax = 20_000

/** As the plan leads, whichever way the shard goes: what has come back is compared on it. */
function theWayThere(shard: Shard): Shard {
  return shard.goesBack ? wayBackOf(shard) : shard
}

function routeThere(shard: Shard, route: Route): Route {
  return shard.goesBack ? (route.backOf as Route) : route
}

/**
 * Of all rows. null: they are equal; else why another round has to come first. Throws ROWS_DIFFER,
 * FOREIGN_KEY_BROKEN, INVARIANT_BROKEN or SCHEMA_CHANGED.
 */
export async function verifyFollowed(shard: Shard, since: Since): Promise<RehomeError | null> {
  const there = theWayThere(shard)
  const looks: TableComparison[] = []
  for (const route of there.survey.routes) {
    there.signal.throwIfAborted()
    looks.push(await compareTable(there, route, differencesMax))
  }
  const settled = await excuse(shard, looks, since)
  if (settled === null) return rowsDiffer(looks.filter(({ equal }) => !equal))
  shard.evidence.verified = { hash: shard.survey.hash, tables: settled }
  const different = settled.filter(({ equal }) => !equal)
  if (different.length > 0) throw rowsDiffer(different)
  const broken = await allBroken(shard)
  if (broken.length > 0) {
    const error = referencesBroken(broken)
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

async function isChanging(shard: Shard, since: Since): Promise<boolean> {
  const counts = await feedOf(shard, 'source').countChanges(since)
  return [...counts.values()].some((changes) => changes > 0)
}

/** null: nobody can tell. */
async function excuse(
  shard: Shard,
  looks: readonly TableComparison[],
  since: Since,
): Promise<TableComparison[] | null> {
  const doubtful = looks.filter(({ equal }) => !equal)
  if (doubtful.every(({ differing }) => differing === 0)) {
    return looks.map((look) => ({ ...look, equal: true }))
  }
  const changing = await changingKeys(shard, since)
  if (changing === null) return null
  const settled: TableComparison[] = []
  for (const look of looks) {
    const excused = changing.get(look.table) ?? new Set()
    const left = look.keys.filter(({ key }) => !excused.has(key))
    const known = look.keys.length === look.differing
    if (left.length === 0 && !known) return null
    const differing = known ? left.length : look.differing
    const table = { ...look, equal: differing === 0, differing, keys: left.slice(0, 20) }
    const some = look.keys.length - left.length
    settled.push(some > 0 ? { ...table, changing: some } : table)
  }
  return settled
}

/**
 * Of what a round has had to do with. `since`: what has changed since then is excused; null:
 * nothing is. Returns how many rows were compared, or why everything has to be. Throws ROWS_DIFFER
 * or FOREIGN_KEY_BROKEN.
 */
export async function verifyTouched(
  shard: Shard,
  touched: readonly Touched[],
  since: Since | null,
): Promise<number | RehomeError> {
  const looks: TableComparison[] = []
  for (const one of touched) {
    shard.signal.throwIfAborted()
    looks.push(await compareTouched(shard, one, touched))
  }
  const settled = since ? await excuse(shard, looks, since) : looks.map(asFound)
  if (settled === null) return rowsDiffer(looks.filter(({ equal }) => !equal))
  const different = settled.filter(({ equal }) => !equal)
  if (different.length > 0) throw rowsDiffer(different)
  if (since === null) await settleReferences(shard, touched, 'exactly')
  else if (!shard.goesBack) await settleReferences(shard, touched, 'while written')
  return looks.reduce((total, { found }) => total + found, 0)
}

/** At different moments the sums may differ, and no row by then. */
function asFound(look: TableComparison): TableComparison {
  return { ...look, equal: look.differing === 0, keys: look.keys.slice(0, 20) }
}

async function compareTouched(
  shard: Shard,
  one: Touched,
  all: readonly Touched[],
): Promise<TableComparison> {
  const there = theWayThere(shard)
  const own = routeThere(shard, one.table.route)
  if (isFull(one)) return await compareTable(there, own, differencesMax)
  // Also who stands there without having come: rows that ought to have gone with their parents.
  const atTarget = [...one.target.lists(), ...underParents(one.table.route, all)]
  const atSource = one.source.lists()
  const [source, target] = shard.goesBack ? [atTarget, atSource] : [atSource, atTarget]
  const hashes = await hashesOfSome(there, own, { source, target })
  const differences = differencesOf(hashes)
  return {
    ...{ table: own.target.name, digest: '', notCompared: [] },
    ...{ expected: hashes.expected.size, found: hashes.found.size },
    ...{ equal: differences.length === 0, differing: differences.length },
    keys: differences.slice(0, differencesMax),
  }
}

/** Of what has not changed since, where nothing was brought. Throws ROWS_DIFFER. */
export async function verifyUnchanged(shard: Shard, since: Since): Promise<void> {
  const there = theWayThere(shard)
  const looks: TableComparison[] = []
  for (const route of there.survey.routes) {
    looks.push(await compareTable(there, route, differencesMax))
  }
  const settled = await excuse(shard, looks, since)
  const different = (settled ?? []).filter(({ equal }) => !equal)
  if (different.length > 0) throw rowsDiffer(different)
  await refuseChangedSchema(shard)
}

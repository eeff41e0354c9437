/**
 * The whole comparison of this attempt, and that of a part: nothing of an earlier one counts. It
 * also sees that rows point at rows, and that neither schema has changed since the preflight.
 */
import { rowsOf } from '../endpoints/ends.ts'
import type { BrokenReference } from '../endpoints/tenant-rows.ts'
import { RehomeError } from '../errors.ts'
import { inParallel } from '../parallel.ts'
import { compareShard, type TableComparison } from './compare.ts'
import { refuseBrokenInvariants } from './invariants.ts'
import { tenantRows } from './rows.ts'
import { type Ends, lanesOf, type Shard } from './shard.ts'
import { changedEnds } from './survey.ts'
import { wayBackOf } from './way-back.ts'

/** By way of these ends. Throws ROWS_DIFFER, FOREIGN_KEY_BROKEN or SCHEMA_CHANGED. */
export async function verifyEverything(shard: Shard, ends: Ends = shard.ends): Promise<void> {
  const { comparisons, broken } = await lookAt({ ...shard, ends })
  shard.evidence.verified = { hash: shard.survey.hash, tables: comparisons }
  refuseDifferences(comparisons, broken)
  await refuseBrokenInvariants(shard, ends)
  await refuseChangedSchema(shard)
  const rows = comparisons.reduce((total, { found }) => total + found, 0)
  shard.tell(`verified ${rows} rows in ${comparisons.length} tables: both ends are equal`)
}

/** Throws SCHEMA_CHANGED, also where a guard was disabled for a moment. */
export async function refuseChangedSchema({ survey, ends }: Shard): Promise<void> {
  const [changed] = await changedEnds(survey, ends)
  if (!changed) return
  const message = `the schema or a guard of the ${changed.name} has changed since the preflight`
  throw new RehomeError('SCHEMA_CHANGED', message)
}

/** Of a part of the shard. Returns how many rows were compared. */
export async function verifyPart(part: Shard): Promise<number> {
  const { comparisons, broken } = await lookAt(part)
  refuseDifferences(comparisons, broken)
  return comparisons.reduce((total, { found }) => total + found, 0)
}

function refuseDifferences(comparisons: readonly TableComparison[], broken: Broken | null): void {
  const different = comparisons.filter((comparison) => !comparison.equal)
  if (different.length > 0) throw rowsDiffer(different)
  if (broken) throw referencesBroken(broken)
}

export function rowsDiffer(different: readonly TableComparison[]): RehomeError {
  const text = different.map(({ table, expected, found, differing, keys }) => {
    const named = keys.slice(0, 3).map(({ key, is }) => `${key} ${is}`)
    return `"${table}": ${expected} rows expected, ${found} found, ${differing} differ (${named.join(', ')})`
  })
  const data = { tables: different }
  return new RehomeError('ROWS_DIFFER', `the copy is not equal: ${text.join('; ')}`, { data })
}

/** Beside each other where the pool has room: references are a matter of the target alone. */
async function lookAt(shard: Shard) {
  const found: { comparisons: TableComparison[]; broken: Broken | null } = {
    comparisons: [],
    broken: null,
  }
  const looks = [
    async (part: Shard) => {
      // What has gone back is right where the plan's own way leads from it to what is there.
      found.comparisons = await compareShard(part.goesBack ? wayBackOf(part) : part)
    },
    async (part: Shard) => {
      found.broken = await firstBroken(part)
    },
  ]
  const options = { limit: lanesOf(shard.plan), signal: shard.signal }
  await inParallel(looks, options, (look, signal) => look({ ...shard, signal }))
  return found
}

export interface Broken extends BrokenReference {
  readonly table: string
}

/** The first reference to nothing, of the tenant's rows at the target. */
export async function firstBroken(shard: Shard): Promise<Broken | null> {
  const { routes, targets } = shard.survey
  for (const route of routes) {
    shard.signal.throwIfAborted()
    const rows = tenantRows(shard, route, 'target')
    const [broken] = await rowsOf(shard.ends.target).brokenReferences(rows, targets)
    if (broken) return { ...broken, table: route.target.name }
  }
  return null
}

export function referencesBroken({ table, ...broken }: Broken): RehomeError {
  const message = `"${table}": ${broken.rows} rows break foreign key "${broken.foreignKey}", e.g. ${broken.values[0]}`
  return new RehomeError('FOREIGN_KEY_BROKEN', message, { data: broken })
}

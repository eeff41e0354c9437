/**
 * The whole comparison of this attempt, and that of a part: nothing of an earlier one counts. It
 * also sees that rows point at rows, and that neither schema has changed since the preflight.
 */

import { tenantRows } from '../attempt/planned-rows.ts'
import { lanesOf, type Shard } from '../attempt/shard.ts'
import { wayBackOf } from '../attempt/way-back.ts'
import { changedEnd } from '../checks/survey.ts'
import type { Ends } from '../ends/end.ts'
import type { BrokenReference } from '../ends/tenant-rows.ts'
import { firstFew, RehomeError } from '../errors.ts'
import { inParallel } from '../parallel.ts'
import type { Route } from '../plan/routing/route.ts'
import { compareShard, looksAtOnce, type TableComparison } from './compare.ts'
import type { Difference } from './differences.ts'
import { refuseBrokenInvariants } from './invariants.ts'

/** Verifies over these ends. Throws ROWS_DIFFER, FOREIGN_KEY_BROKEN or SCHEMA_CHANGED. */
export async function verifyEverything(shard: Shard, ends: Ends): Promise<void> {
  await compareEverything(shard, ends)
  await refuseChangedSchema(shard)
}

/** Leaves it to the caller whether a schema has changed since. */
export async function compareEverything(shard: Shard, ends: Ends = shard.ends): Promise<void> {
  const outcome = await lookAt({ ...shard, ends })
  const { comparisons } = outcome
  shard.evidence.verified = { hash: shard.survey.hash, tables: comparisons }
  refuseDifferences(shard, outcome)
  await refuseBrokenInvariants(shard, ends)
  const rows = comparisons.reduce((total, { found }) => total + found, 0)
  shard.tell(`verified ${rows} rows in ${comparisons.length} tables: both ends are equal`)
}

/** Throws SCHEMA_CHANGED, also where a guard was disabled for a moment. */
export async function refuseChangedSchema(shard: Shard): Promise<void> {
  const forward = shard.goesBack ? wayBackOf(shard) : shard
  const changed = await changedEnd(forward.survey, forward)
  if (!changed) return
  const message = `the schema or a guard of the ${changed.name} has changed since the preflight`
  throw new RehomeError('SCHEMA_CHANGED', message)
}

/** Verifies a part of the shard. Returns how many rows were compared. */
export async function verifyPart(part: Shard): Promise<number> {
  const outcome = await lookAt(part)
  refuseDifferences(part, outcome)
  return outcome.comparisons.reduce((total, { found }) => total + found, 0)
}

function refuseDifferences(
  shard: Shard,
  { comparisons, broken }: Awaited<ReturnType<typeof lookAt>>,
): void {
  const different = comparisons.filter((comparison) => !comparison.equal)
  if (different.length > 0) throw rowsDiffer(different)
  if (broken.length > 0) throw referencesBroken(shard, broken)
}

export function rowsDiffer(different: readonly TableComparison[]): RehomeError {
  const text = different.map(({ table, expected, found, differing, keys, misread = [] }) => {
    if (differing === 0 && misread.length > 0) return misreadText(table, misread)
    const named = keys.slice(0, 3).map(({ key, is }) => `${key} ${is}`)
    return `"${table}": ${expected} rows expected, ${found} found, ${differing} differ (${named.join(', ')})`
  })
  const data = { tables: different }
  return new RehomeError('ROWS_DIFFER', `the copy is not equal: ${text.join('; ')}`, { data })
}

function misreadText(table: string, misread: readonly Difference[]): string {
  const named = misread.slice(0, 3).map(({ key, is }) => `${key} ${is}`)
  return `"${table}": ${misread.length} rows were not read as the source has them (${named.join(', ')})`
}

/** Beside each other where the pool has room: references are a matter of the target alone. */
async function lookAt(shard: Shard) {
  const outcome: { comparisons: TableComparison[]; broken: readonly Broken[] } = {
    comparisons: [],
    broken: [],
  }
  const looks = [
    async (part: Shard) => {
      // What has gone back is right where the plan's own way leads from it to what is there.
      outcome.comparisons = await compareShard(part.goesBack ? wayBackOf(part) : part)
    },
    async (part: Shard) => {
      outcome.broken = await allBroken(part)
    },
  ]
  const options = { limit: lanesOf(shard), signal: shard.signal }
  await inParallel(looks, options, (look, signal) => look({ ...shard, signal }))
  return outcome
}

export interface Broken extends BrokenReference {
  readonly table: string
}

/** References to nothing, of the tenant's rows at the target. */
export async function allBroken(shard: Shard): Promise<Broken[]> {
  const all: Broken[] = []
  for (const routes of looksAtOnce(shard)) {
    shard.signal.throwIfAborted()
    const of = routes.map((route) => tenantRows(shard, route, 'target'))
    const broken = await shard.ends.target.rows.brokenReferences(of, shard.survey.targets)
    for (const [i, route] of routes.entries()) {
      const lasting = (broken[i] ?? []).filter((one) => !isTakenBack(shard, route, one))
      all.push(...lasting.map((one) => ({ ...one, table: route.target.name })))
    }
  }
  return all
}

/** Rehearsals and audits take shared rows back, so there is none that rows could refer to. */
function isTakenBack(
  { move, survey }: Shard,
  { target }: Route,
  { foreignKey }: BrokenReference,
): boolean {
  if (move.errand !== 'rehearse' && move.errand !== 'audit') return false
  const key = target.foreignKeys.find(({ name }) => name === foreignKey)
  return survey.shared.some((route) => route.target.name === key?.parent)
}

/** Names each foreign key that is broken, with an example of what its rows refer to. */
export function referencesBroken(shard: Shard, all: readonly Broken[]): RehomeError {
  const facts = all.map(({ table, foreignKey, rows, values }) => {
    const fact = `"${table}": ${rows} rows break foreign key "${foreignKey}", e.g. ${values[0]}`
    return `${fact}${leftBehindBy(shard, table, foreignKey)}`
  })
  const { table: _, ...first } = all[0] ?? unknownReference
  return new RehomeError('FOREIGN_KEY_BROKEN', firstFew(facts), { data: { ...first, broken: all } })
}

/** Rows that refer to rows of `parent` that have gone. `foreignKey`: with its table. */
export interface LeftBy {
  readonly foreignKey: string
  readonly rows: number
  readonly parent: string
}

export function brokenByGone(all: readonly LeftBy[]): RehomeError {
  const facts = all.map(({ foreignKey, rows, parent }) => {
    return `${foreignKey}: ${rows} rows refer to rows of "${parent}" that have gone`
  })
  return new RehomeError('FOREIGN_KEY_BROKEN', firstFew(facts), {
    data: { ...all[0], broken: all },
  })
}

const unknownReference: Broken = { table: '?', foreignKey: '?', rows: 0, values: [] }

/** Whether rows that the plan allowed to stay behind may be what these refer to. */
function leftBehindBy({ survey, evidence }: Shard, table: string, foreignKey: string): string {
  const { tables = {} } = evidence.quarantined ?? { tables: {} }
  const of = survey.target.tables.get(table)
  const parent = of?.foreignKeys.find(({ name }) => name === foreignKey)?.parent
  const rows = parent === undefined ? 0 : (tables[parent] ?? 0)
  if (rows === 0) return ''
  return ` (${rows} rows of "${parent}" stayed behind in quarantine: leave out the rows that refer to them in the transform of "${table}", or mend them)`
}

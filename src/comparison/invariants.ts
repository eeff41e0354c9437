/** Invariants of the plan across both models: the ends themselves run their queries. */

import type { Shard } from '../attempt/shard.ts'
import type { End, Ends } from '../ends/end.ts'
import type { Texts } from '../ends/tenant-rows.ts'
import { RehomeError } from '../errors.ts'
import type { Invariant } from '../plan/invariant.ts'
import { queryText, type TenantQuery } from '../plan/stream.ts'

/** Throws INVARIANT_BROKEN with the first that does not hold. */
export async function refuseBrokenInvariants(shard: Shard, ends: Ends): Promise<void> {
  const { invariants } = shard.plan
  await refuseBroken(shard, ends, invariants)
  if (invariants.length > 0) shard.evidence.invariants = invariants.map(({ name }) => name)
}

/**
 * Asks again what has to hold at the new home alone: what both ends have alike may differ once the
 * tenant has written there. Returns the names. Throws INVARIANT_BROKEN.
 */
export async function refuseBrokenHome(shard: Shard): Promise<string[]> {
  const lasting = shard.plan.invariants.filter((one) => 'noRows' in one && one.at === 'target')
  await refuseBroken(shard, shard.ends, lasting)
  return lasting.map(({ name }) => name)
}

async function refuseBroken(
  shard: Shard,
  ends: Ends,
  invariants: readonly Invariant[],
): Promise<void> {
  // On the way back the plan's source is where rows go.
  const own = shard.goesBack ? { source: ends.target, target: ends.source } : ends
  for (const invariant of invariants) {
    shard.signal.throwIfAborted()
    const broken = await breachOf(shard, own, invariant)
    if (broken === null) continue
    const message = `invariant "${invariant.name}" does not hold: ${broken}`
    throw new RehomeError('INVARIANT_BROKEN', message, { data: { invariant: invariant.name } })
  }
}

async function breachOf(shard: Shard, ends: Ends, invariant: Invariant): Promise<string | null> {
  if ('noRows' in invariant) {
    const rows = await answerOf(shard, ends[invariant.at], invariant.noRows)
    return rows.length === 0 ? null : `the ${invariant.at} has ${show(rows)}`
  }
  const { equal } = invariant
  const [source, target] = await Promise.all([
    answerOf(shard, ends.source, equal.source),
    answerOf(shard, ends.target, equal.target),
  ])
  if (source.length === 1 && JSON.stringify(source) === JSON.stringify(target)) return null
  return `the source has ${show(source)}, the target ${show(target)}`
}

const rowsMax = 10

async function answerOf(
  { tenant }: Shard,
  end: End,
  query: TenantQuery,
): Promise<readonly Texts[]> {
  return (await end.rows.ask(queryText(query, tenant), rowsMax)).rows
}

function show(rows: readonly Texts[]): string {
  const some = rows.slice(0, 3).map((row) => `(${row.map((text) => text ?? 'null').join(', ')})`)
  return rows.length === 0 ? 'no row' : some.join(', ').slice(0, 300)
}

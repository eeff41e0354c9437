/** Steps with rows of everybody that are the same for ends of each kind. */
import { advanceTo } from '../attempt/sequences.ts'
import type { Shard } from '../attempt/shard.ts'
import type { SharedTotal } from '../control/database.ts'
import { sequencesOf } from '../ends/postgres/copy/sequences.ts'
import type { Reached, Settling } from '../ends/rows.ts'
import type { Texts } from '../ends/tenant-rows.ts'
import type { Route } from '../plan/routing/route.ts'
import { endOfIds } from '../plan/routing/shared-ids.ts'
import { comparedOf, sharingOf } from '../plan/routing/shared-routes.ts'

export function isRehearsal({ move }: Shard): boolean {
  return move.errand === 'rehearse'
}

/** Before the rows are committed, so that the sequence does not give an id that one of them has. */
export async function passIds(shard: Shard, reached: readonly Reached[]): Promise<void> {
  const passed = ids.get(shard.evidence) ?? new Map<string, bigint>()
  ids.set(shard.evidence, passed)
  const due = reached.filter(({ sequence, id }) => passed.get(sequence) !== id)
  await advanceTo(shard, due)
  for (const { sequence, id } of due) passed.set(sequence, id)
}

/** Sequences and ids of an attempt, told to the target already. */
const ids = new WeakMap<Shard['evidence'], Map<string, bigint>>()

export function settlingOf(shard: Shard, route: Route): Settling {
  const { replicate, shared } = shard.survey
  const { missing, differing } = sharingOf(route)
  const rehearses = isRehearsal(shard)
  return {
    table: route.target,
    key: route.targetKey,
    columns: route.columns.map(({ name }) => name),
    compared: comparedOf(route),
    replicate,
    // Foreign keys that are on would miss those that were taken back.
    inserts: missing === 'insert' && (replicate || !rehearses),
    // At the old home the rows may be newer than those that a tenant brings back.
    updates: differing === 'update' && shard.goesBack !== true,
    ...(rehearses && { takenBack: shared.map(({ target }) => target.name) }),
  }
}

/** The ids that sequences of the target have to pass. */
export function reachedBy(route: Route, rows: readonly Texts[]): Reached[] {
  return sequencesOf(route.target).flatMap(({ column, sequence, descending }) => {
    const place = route.columns.findIndex(({ name }) => name === column)
    const all = rows.flatMap((row) => {
      const own = row[place] ?? ''
      const isId = route.columns[place]?.from === route.sourceKey[0]
      const text = (isId && route.sharedIds?.at(endOfIds(route), own)) || own
      return /^-?\d+$/.test(text) ? [BigInt(text)] : []
    })
    const isFurther = (one: bigint, other: bigint) => (descending ? one < other : one > other)
    const [first, ...others] = all.filter((id) => descending || id >= 1n)
    if (first === undefined) return []
    const id = others.reduce((last, one) => (isFurther(one, last) ? one : last), first)
    return [{ sequence, id }]
  })
}

/** Those of a round are added to what came before in the attempt. */
export function tell(shard: Shard, { target }: Route, total: SharedTotal): void {
  if (total.rows === 0) return
  const all = shard.evidence.shared ?? {}
  const before = all[target.name] ?? { rows: 0, inserted: 0, kept: 0, updated: 0 }
  all[target.name] = {
    rows: Math.max(before.rows, total.rows),
    inserted: before.inserted + total.inserted,
    kept: Math.max(before.kept, total.kept),
    updated: before.updated + total.updated,
  }
  shard.evidence.shared = all
  const { rows, inserted, kept, updated } = total
  if (inserted + kept + updated === 0) return
  shard.tell(
    `shared rows of "${target.name}": ${rows} needed, ${inserted} inserted, ${kept} differ and were kept, ${updated} updated`,
  )
}

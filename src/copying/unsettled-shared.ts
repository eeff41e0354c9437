/** Errors of rows of everybody that are not at the target as the tenant needs them. */
import type { Shard } from '../attempt/shard.ts'
import type { SettledRows, SharedRow } from '../ends/rows.ts'
import { RehomeError } from '../errors.ts'
import type { Route } from '../plan/routing/route.ts'
import { sharingOf } from '../plan/routing/shared-routes.ts'

/** Throws SHARED_ROWS_MISSING and FOREIGN_KEY_BROKEN. */
export function refuseUnsettled(
  shard: Shard,
  route: Route,
  { missing, broken }: Pick<SettledRows, 'missing' | 'broken'>,
): void {
  if (missing.length > 0) throw areMissing(shard, route, missing)
  if (broken.length === 0) return
  const message = `${placeOf(shard, route)}: shared rows refer by "${broken[0]}" to rows that are not there: share that table, too, or bring its rows first`
  throw new RehomeError('FOREIGN_KEY_BROKEN', message, { data: { foreignKey: broken[0] } })
}

/** Throws SHARED_ROWS_DIFFER. */
export function refuseDiffering(shard: Shard, route: Route, differing: readonly SharedRow[]): void {
  const [first] = differing
  if (!first) return
  const message = `${placeOf(shard, route)}: ${differing.length} shared rows differ, e.g. ${first.key} in ${first.columns.join(', ')}: make them equal, or set \`differing\` or \`compare\` in the plan`
  throw new RehomeError('SHARED_ROWS_DIFFER', message, { data: { rows: differing.slice(0, 20) } })
}

function placeOf({ ends }: Shard, { target }: Route): string {
  return `"${target.name}" at the ${ends.target.name}`
}

function areMissing(shard: Shard, route: Route, keys: readonly string[]): RehomeError {
  const message = `${placeOf(shard, route)}: ${keys.length} shared rows ${why(shard, route)}, e.g. ${keys[0]}: bring them there first`
  return new RehomeError('SHARED_ROWS_MISSING', message, { data: { keys: keys.slice(0, 20) } })
}

function why({ move, survey }: Shard, route: Route): string {
  if (sharingOf(route).missing !== 'insert') return 'are not there'
  return move.errand === 'rehearse' && !survey.replicate
    ? 'are not there, and a rehearsal cannot insert them and take them back where our role may not switch foreign keys off'
    : 'could not be inserted, as another row there has the same value in a unique index'
}

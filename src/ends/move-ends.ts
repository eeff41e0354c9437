/** The ends of a move that is under way, or over. */
import type { Move } from '../control/database.ts'
import { RehomeError } from '../errors.ts'
import { type End, type Ends, endAtPlace, endOf, type PlanEnds } from './end.ts'

/** A tenant, and the places of its ends where these depend on the tenant. */
export type MovePlaces = Pick<Move, 'tenant_id' | 'source' | 'target'>

/**
 * The ends between which the move was enqueued, although the plan's functions may choose others
 * for the tenant by now: its rows and flags are there. Throws PLAN_CHANGED where none of the plan's
 * ends is at such a place.
 */
export function endsOfMove(ends: PlanEnds, move: MovePlaces): Ends {
  const { tenant_id: tenant } = move
  const own = (name: 'source' | 'target'): End => {
    const before = move[name]
    const end = before === null ? endOf(ends[name], tenant) : endAtPlace(ends[name], tenant, before)
    if (end) return end
    const message = `the plan's ${name} of the tenant was ${before} when the move was enqueued, and no end of the plan is there now: keep that end in \`ends\`, and let functions in \`url\` return the same for a tenant as long as its moves last`
    throw new RehomeError('PLAN_CHANGED', message, { tenant })
  }
  return { ...ends, source: own('source'), target: own('target') }
}

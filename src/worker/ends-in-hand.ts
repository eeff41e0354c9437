/** The ends at which a worker looks after fences and logs while it carries out no move there. */
import type { Control } from '../control/database.ts'
import { tenantsInHand } from '../control/due-moves.ts'
import { type Ends, ofOneDatabase } from '../ends/end.ts'
import { endsOfMove } from '../ends/move-ends.ts'
import { ifPlaced } from '../ends/placing.ts'
import type { OpenPlan } from './claimed.ts'

type Pair = Pick<Ends, 'source' | 'target'>

/** Both databases of the plan; where they depend on the tenant, those of tenants in hand. */
export async function* endsInHand(
  control: Control,
  { plan, ends }: Pick<OpenPlan, 'plan' | 'ends'>,
): AsyncGenerator<Pair> {
  const pair = ofOneDatabase(ends)
  if (pair) return yield pair
  const places = new Set<string>()
  for (const move of await tenantsInHand(control, plan.name)) {
    const own = ifPlaced(() => endsOfMove(ends, move))
    // Another version of the plan had that end, or none has a place for the tenant any longer.
    if (!own) continue
    const between = `${own.source.place} → ${own.target.place}`
    if (places.has(between)) continue
    places.add(between)
    yield own
  }
}

/** Does the work at all of them. Throws what the first one has failed with. */
export async function eachInHand(
  control: Control,
  open: OpenPlan,
  work: (ends: Pair) => Promise<void>,
): Promise<void> {
  const errors: unknown[] = []
  for await (const ends of endsInHand(control, open)) {
    await work(ends).catch((error: unknown) => void errors.push(error))
  }
  if (errors.length > 0) throw errors[0]
}

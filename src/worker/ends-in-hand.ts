/** The ends at which a worker looks after fences and logs while it carries out no move there. */
import type { Control } from '../control/database.ts'
import { type MoveInHand, movesInHand, noteRest } from '../control/due-moves.ts'
import { type Ends, ofOneDatabase } from '../ends/end.ts'
import { endsOfMove } from '../ends/move-ends.ts'
import { ifPlaced } from '../ends/placing.ts'
import { passingGuards } from '../ends/postgres/fence/passing-guards.ts'
import { oneByOne } from '../parallel.ts'
import type { Plan } from '../plan/plan.ts'
import { tidyLogs } from '../stages/reap.ts'
import type { OpenPlan } from './claimed.ts'

interface InHand {
  readonly ends: Pick<Ends, 'source' | 'target'>
  /** Moves between the two. Empty: all of the plan's are. */
  readonly moves: readonly MoveInHand[]
}

/** Both databases of the plan; where they depend on the tenant, those of moves in hand. */
export async function* endsInHand(
  control: Control,
  { plan, ends }: Pick<OpenPlan, 'plan' | 'ends'>,
): AsyncGenerator<InHand> {
  const pair = ofOneDatabase(ends)
  if (pair) return yield { ends: pair, moves: [] }
  const groups = new Map<string, MoveInHand[]>()
  for (const move of await movesInHand(control, plan.name)) {
    const between = JSON.stringify([move.source, move.target])
    groups.set(between, [...(groups.get(between) ?? []), move])
  }
  for (const moves of groups.values()) {
    for (const move of moves) {
      const own = ifPlaced(() => endsOfMove(ends, move))
      // Another version of the plan had that end, or none has a place for the tenant any longer.
      if (!own) continue
      yield { ends: own, moves }
      break
    }
  }
}

/** Does the work at all of them. Throws what the first one has failed with. */
export async function eachInHand(
  control: Control,
  open: OpenPlan,
  work: (inHand: InHand) => Promise<void>,
): Promise<void> {
  const errors: unknown[] = []
  for await (const inHand of endsInHand(control, open)) {
    await work(inHand).catch((error: unknown) => void errors.push(error))
  }
  if (errors.length > 0) throw errors[0]
}

/** Removes log entries that are no longer needed; ends with nothing else left are let go. */
export async function tidyInHand(
  control: Control,
  { scope, guards }: Pick<Plan, 'scope' | 'guards'>,
  { ends, moves }: InHand,
): Promise<void> {
  await tidyLogs(ends)
  // Once its window is over a move is in hand again, and its guards can be taken away.
  const restsInWindow = guards === 'while moving' && (await haveGuards(ends))
  const resting: MoveInHand[] = []
  for (const move of moves) {
    if (move.open || (restsInWindow && !move.inWindow)) continue
    if (await isAtRest(ends, scope, move)) resting.push(move)
  }
  if (resting.length > 0) await noteRest(control, resting)
}

/** Guards are still to be taken away. */
async function haveGuards({ source, target }: InHand['ends']): Promise<boolean> {
  const pools = [source, target].flatMap(({ sql }) => sql?.pool ?? [])
  const left = await oneByOne(pools, passingGuards)
  return left.some((guards) => guards.length > 0)
}

/**
 * No fence, no log, and no home that a cutover has left closed: nothing that lapses or lasts. A new
 * home logs as long as the rollback window lasts.
 */
async function isAtRest(
  { source, target }: InHand['ends'],
  scope: string,
  { tenant_id: tenant, inWindow }: MoveInHand,
): Promise<boolean> {
  const key = { scope, tenant }
  const flags = await Promise.all([source.flags.readFlag(key), target.flags.readFlag(key)])
  const [from, to] = flags.map((flag) => flag?.mode)
  const modes = [from, inWindow && to === 'capturing' ? undefined : to]
  const isToOpen = modes.includes('moved') && modes.includes('receiving')
  return !isToOpen && !modes.includes('read_only') && !modes.includes('capturing')
}

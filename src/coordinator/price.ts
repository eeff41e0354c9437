/** Tells what an errand would cost, before it is asked for. */
import type { Control } from '../control/database.ts'
import { isCalledOff, keepsWrites } from '../control/rollback-kinds.ts'
import type { BriefMove } from '../control/run-moves.ts'
import type { AskedErrand } from '../errands.ts'
import { number } from '../numbers.ts'
import { chosenFor, type RollbackOptions } from './ask-errands.ts'

export interface Price {
  readonly tenants: readonly string[]
  /** Sentences, one for each kind of cost. */
  readonly costs: readonly string[]
  /** State → how many tenants are passed over because of it. */
  readonly passedOver: Readonly<Record<string, number>>
}

export type PriceOptions = Omit<RollbackOptions, 'by' | 'dryRun' | 'onPassedOver'> & {
  readonly errand: AskedErrand
}

/** Asks for nothing. Throws what asking would throw. */
export async function priceOf(
  control: Control,
  runId: string,
  { errand, ...options }: PriceOptions,
): Promise<Price> {
  const request = { ...options, runId, by: '' }
  const { moves, passedOver } = await chosenFor(control, errand, request)
  const counted: Record<string, number> = {}
  for (const { open, phase } of passedOver) {
    const state = open ? 'busy' : phase
    counted[state] = (counted[state] ?? 0) + 1
  }
  return {
    tenants: moves.map((move) => move.tenant_id),
    costs: moves.length === 0 ? [] : costsOf(errand, moves, options.discardWrites ?? false),
    passedOver: counted,
  }
}

function costsOf(
  errand: AskedErrand,
  moves: readonly BriefMove[],
  discardWrites: boolean,
): string[] {
  if (errand === 'rollback') return rollbackCosts(moves, discardWrites)
  const tenants = tenantsText(moves)
  const rows = rowsText(moves)
  if (errand === 'retry') return [`${tenants}: copied again from the beginning, about ${rows} rows`]
  if (errand === 'cleanup') {
    return [
      `${tenants}: about ${rows} rows of old copies are removed; there is no rollback after it`,
    ]
  }
  return [`${tenants}: a rollback would lose what was written at the target since the cutover`]
}

function rollbackCosts(moves: readonly BriefMove[], discardWrites: boolean): string[] {
  const now = new Date()
  const called = moves.filter(isCalledOff)
  const moved = moves.filter((move) => !called.includes(move))
  const kept = discardWrites ? [] : moved.filter((move) => keepsWrites(move, now))
  const others = moved.filter((move) => !kept.includes(move))
  const lost = discardWrites
    ? 'what was written at the target since the cutover is lost'
    : 'no rollback window; refused where the tenant has written at the target since the cutover'
  return [
    ...(called.length > 0
      ? [`${tenantsText(called)}: not cut over; about ${rowsText(called)} rows are removed again`]
      : []),
    ...(kept.length > 0
      ? [`${tenantsText(kept)}: what was written at the target since the cutover is brought back`]
      : []),
    ...(others.length > 0 ? [`${tenantsText(others)}: ${lost}`] : []),
  ]
}

function tenantsText({ length }: readonly BriefMove[]): string {
  return `${length} tenant${length === 1 ? '' : 's'}`
}

function rowsText(moves: readonly BriefMove[]): string {
  return number(moves.reduce((sum, move) => sum + Number(move.rows_copied), 0))
}

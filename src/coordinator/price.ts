/** Tells what an errand would cost, before it is asked for. */
import type { Control } from '../control/database.ts'
import { isCalledOff, keepsWrites } from '../control/rollback-kinds.ts'
import { type BriefMove, type Reached, Tally } from '../control/run-moves.ts'
import type { AskedErrand } from '../errands.ts'
import { number } from '../numbers.ts'
import type { RollbackOptions } from './ask-errands.ts'
import { chosenFor } from './errand-choice.ts'

export interface Price extends Reached {
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
  const choice = await chosenFor(control, errand, { ...options, runId, by: '' })
  const reached = new Tally(options.onTenants)
  const sums: Sums = new Map()
  const counted: Record<string, number> = {}
  await choice.survey(({ moves, passedOver }) => {
    reached.add(moves)
    const now = new Date()
    for (const move of moves) {
      addTo(sums, errand === 'rollback' ? rollbackKind(move, { ...options, now }) : errand, move)
    }
    for (const { open, phase } of passedOver) {
      const state = open ? 'busy' : phase
      counted[state] = (counted[state] ?? 0) + 1
    }
  })
  return { ...reached.get(), costs: costsOf(sums), passedOver: counted }
}

type Kind = Exclude<AskedErrand, 'rollback'> | 'called off' | 'kept' | 'lost' | 'no window'

interface Sum {
  readonly tenants: number
  readonly rows: number
}

type Sums = Map<Kind, Sum>

function addTo(sums: Sums, kind: Kind, move: BriefMove): void {
  const { tenants, rows } = sums.get(kind) ?? { tenants: 0, rows: 0 }
  sums.set(kind, { tenants: tenants + 1, rows: rows + Number(move.rows_copied) })
}

function rollbackKind(
  move: BriefMove,
  { discardWrites = false, now }: { discardWrites?: boolean | undefined; now: Date },
): Kind {
  if (isCalledOff(move)) return 'called off'
  if (discardWrites) return 'lost'
  return keepsWrites(move, now) ? 'kept' : 'no window'
}

const words: Readonly<Record<Kind, (rows: string) => string>> = {
  retry: (rows) => `copied again from the beginning, about ${rows} rows`,
  cleanup: (rows) => `about ${rows} rows of old copies are removed; there is no rollback after it`,
  finalize: () => 'a rollback would lose what was written at the target since the cutover',
  'called off': (rows) => `not cut over; about ${rows} rows are removed again`,
  kept: () => 'what was written at the target since the cutover is brought back',
  lost: () => 'what was written at the target since the cutover is lost',
  'no window': () =>
    'no rollback window; refused where the tenant has written at the target since the cutover',
}

function costsOf(sums: Sums): string[] {
  return Object.entries(words).flatMap(([kind, text]) => {
    const [, sum] = [...sums].find(([own]) => own === kind) ?? []
    if (!sum) return []
    return [`${sum.tenants} tenant${sum.tenants === 1 ? '' : 's'}: ${text(number(sum.rows))}`]
  })
}

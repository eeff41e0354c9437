/** Which moves of a plan go on when: the words for it, and moments as people write them. Pure. */
import type { FactsOf } from '../facts.ts'
import type { StopWhen, Wave } from '../waves.ts'
import type { Pace, PaceInput } from './pace.ts'
import type { TenantOrder } from './tenant-order.ts'
import type { Windows, WindowsOf } from './windows.ts'

/**
 * A rate predicts nothing for a tenant with more than so many times the rows of the largest one
 * that it was taken from: too much of the time of a small move has nothing to do with rows.
 */
export const comparableTimes = 10

export interface TimingInput {
  /**
   * `always` (default): `init` installs the guards, and they stay. `while moving`: the first move
   * of a run installs them, and workers take them away after the last rollback window.
   */
  readonly guards?: 'always' | 'while moving'
  /**
   * Facts about a tenant, such as its price list or its last activity. They are stored with its
   * move, and `--where` chooses tenants by them.
   */
  readonly facts?: FactsOf | undefined
  /** Groups of tenants that move one after the other; the last one takes the rest. Default: one. */
  readonly waves?: readonly Wave[] | undefined
  /**
   * The order in which tenants begin, within their waves: by a fact of the plan, by `rows`, or as
   * an SQL query lists them. Default: as `tenants` lists them.
   */
  readonly order?: TenantOrder | undefined
  /** When no further move of a run begins. Default: never. */
  readonly stopWhen?: StopWhen | undefined
  /**
   * A moment with its zone, e.g. `2026-12-01T02:00:00+01:00`. Online moves copy early, keep up, and
   * cut over after it; offline moves begin after it. Default: at once.
   */
  readonly completeAfter?: string | undefined
  /**
   * Times at which tenants may be cut over, or may begin where the plan is offline: for all
   * tenants, or for each. Default: at any time.
   */
  readonly windows?: Windows | WindowsOf | undefined
  readonly hold?: {
    /** How often the target of a held online move follows its source, in ms. Default 60,000. */
    readonly everyMs?: number
  }
  /**
   * While its ends are busy, whatever of a move keeps no writer waiting rests between its chunks.
   * `{}`: as soon as small commits take twice as long as before. Default: no move gives way.
   */
  readonly pace?: PaceInput | undefined
}

/** Timing with its defaults. */
export interface Timing extends Omit<TimingInput, 'hold' | 'pace'> {
  readonly hold: { everyMs: number }
  readonly pace?: Pace | undefined
}

const form = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:\d{2})$/

/** null: it is no moment, has no zone, or names a day that does not exist. */
export function momentOf(text: string): Date | null {
  if (!form.test(text)) return null
  const date = new Date(text.replace(' ', 'T'))
  if (Number.isNaN(date.getTime())) return null
  // A 30th of February would be taken for a day of March.
  const [year = 0, month = 0, day = 0] = text.slice(0, 10).split('-').map(Number)
  return new Date(Date.UTC(year, month - 1, day)).getUTCDate() === day ? date : null
}

export const momentForm = "has to be a date and a time with a zone: '2026-12-01T02:00:00+01:00'"

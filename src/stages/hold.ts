/**
 * The hold before the cutover: the tenant writes, both ends have been compared, and what it writes
 * follows in rounds, each of which compares what it brings. The attempt then ends, and its place is
 * free for other moves; a later one looks again. None of them cuts over: that takes an attempt
 * which compares everything itself. It begins early, so that it is ready when the hold ends, and
 * waits for that in its place.
 */
import { givingWay, type Shard, type Stage, unlessAborted } from '../attempt/shard.ts'
import { round, sleep } from '../clock.ts'
import { refuseChangedSchema } from '../comparison/verification.ts'
import type { HoldLook } from '../control/database.ts'
import { holdStateOf, rateOf } from '../control/fleet/holds.ts'
import { RehomeError } from '../errors.ts'
import { followerOf } from '../follow/follower-of.ts'
import { span } from '../numbers.ts'
import { comparableTimes } from '../plan/timing/timing.ts'
import { longestMs, windowAt } from '../plan/timing/windows.ts'
import { outlookOf, restAfterRound } from './catch-up.ts'

export const hold: Stage = {
  phase: 'hold',
  repeats: true,
  async run(shard) {
    await refuseChangedSchema(shard)
    do {
      const kept = await givingWay(shard, () => keepUp(shard))
      shard.evidence.hold = { ...kept, leadMs: leadOf(shard) }
    } while (await waitInPlace(shard))
  },
}

/** Rounds as long as each has less to do than the one before. */
async function keepUp(shard: Shard): Promise<Omit<HoldLook, 'leadMs'>> {
  const { budgetMs } = shard.plan.pause
  const took: number[] = []
  let changes = 0
  for (;;) {
    const { ms, changes: brought } = await followerOf(shard).round(shard, 'changes')
    took.push(ms)
    changes += brought
    await restAfterRound(shard, took)
    if (brought > 0 && outlookOf(took, budgetMs) === 'shorter') continue
    return { rounds: took.length, changes, lastMs: ms }
  }
}

/** Measured by this attempt, else by the one that compared everything before it. */
function leadOf({ phaseMs, move }: Shard): number {
  const { catch_up: caughtUp = 0, verify } = phaseMs
  if (verify === undefined) return move.evidence.hold?.leadMs ?? 0
  return round(1.5 * (caughtUp + verify)) + startMs
}

/** From the job to the first round. */
const startMs = 1_000

/** true: this attempt has compared everything, and the hold ends within the time of that. */
async function waitInPlace(shard: Shard): Promise<boolean> {
  if (shard.phaseMs.verify === undefined) return false
  const { waitMs } = await dueOf(shard)
  if (waitMs === 0 || waitMs > leadOf(shard)) return false
  await sleep(Math.min(waitMs, shard.plan.hold.everyMs), shard.signal)
  return true
}

interface Due {
  /** 0: the move may go on now. Without an end: a person has to complete it. */
  readonly waitMs: number
  /** When one of its windows opens; null: it has none, or one is open then. */
  readonly opensAt: Date | null
}

const never: Due = { waitMs: Number.POSITIVE_INFINITY, opensAt: null }

/** Asks only where something of that kind was stored with the move. */
async function dueOf({ control, move, signal }: Shard): Promise<Due> {
  if (!move.held && move.complete_after === null && move.windows === null) {
    return { waitMs: 0, opensAt: null }
  }
  const { held, waitMs, windows } = await unlessAborted(holdStateOf(control, move.id), signal)
  if (held) return never
  const now = Date.now()
  const state = windows && windowAt(windows, new Date(now + waitMs))
  if (!state || state.isOpen) return { waitMs, opensAt: null }
  const { opensAt } = state
  return opensAt ? { waitMs: opensAt.getTime() - now, opensAt } : never
}

export async function isHeld(shard: Shard): Promise<boolean> {
  return (await dueOf(shard)).waitMs > 0
}

/** An attempt before this one has compared everything, and it is too early for the last one. */
export async function onlyKeepsUp(shard: Shard): Promise<boolean> {
  return shard.move.phase === 'hold' && (await dueOf(shard)).waitMs > leadOf(shard)
}

/** When the move may go on, by its windows; null: it has none, or one is open. */
export async function opensAtOf(shard: Shard): Promise<Date | null> {
  const windows = shard.move.windows
  if (windows === null) return null
  const due = await dueOf(shard)
  if (due.waitMs > 0) return due.opensAt
  // It does not fit into the window that is open, so it waits for the one after it.
  const state = windowAt(windows, new Date())
  if (!state.isOpen || shard.evidence.window === undefined) return null
  const next = windowAt(windows, state.until)
  return next.isOpen ? state.until : next.opensAt
}

/** null: the move can go on when its hold ends. */
export function troubleOf({ evidence, plan }: Shard): RehomeError | null {
  const { hold: kept, window } = evidence
  const { budgetMs } = plan.pause
  if (window?.trouble) return new RehomeError('WINDOW_TOO_SHORT', window.trouble)
  if (!kept || kept.lastMs <= budgetMs) return null
  const { lastMs, changes, rounds } = kept
  const message = `the held move cannot keep up: ${changes} changes in ${rounds} round(s), and the last round took ${lastMs} ms, which is over pause.budgetMs = ${budgetMs} ms`
  return new RehomeError('HOLD_FALLS_BEHIND', message)
}

/**
 * Whether an offline move can end within the window that is open, by the rate of moves that have
 * ended, of comparable size: one that is called too large for a window of a minute or more was
 * compared with moves of 6 s or more; where those prove nothing, it begins. Else it waits for
 * the next one, and where none is long enough it reports that.
 */
export async function fitsWindow(shard: Shard): Promise<boolean> {
  if (shard.move.windows === null) return true
  const { windows } = await unlessAborted(holdStateOf(shard.control, shard.move.id), shard.signal)
  if (windows === null) return true
  const state = windowAt(windows, new Date())
  if (!state.isOpen) return false
  const rate = await unlessAborted(rateOf(shard.control, shard.run.plan_name), shard.signal)
  if (!rate || shard.rowsTotal > comparableTimes * rate.largestRows) return true
  const needsMs = shard.rowsTotal / rate.rowsPerMs
  const hasMs = state.until.getTime() - Date.now()
  if (needsMs <= hasMs) return true
  const [needs, has, longest] = [needsMs, hasMs, longestMs(windows)].map(span)
  const message = `will not fit the window: needs ${needs}, has ${has}`
  const instead = `\`rehome complete ${shard.run.id} --anytime\`, or give it a longer window`
  const isHopeless = needsMs > longestMs(windows)
  const trouble = isHopeless ? `${message}; its longest window is ${longest}: ${instead}` : null
  shard.evidence.window = { needsMs: round(needsMs), hasMs: round(hasMs), trouble }
  shard.tell(message)
  return false
}

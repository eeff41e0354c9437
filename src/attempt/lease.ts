/**
 * Keeps this attempt alive, and ends it when another worker has taken over.
 *
 * While a capture or a fence is held it is renewed three times a lease, on a connection that copies
 * cannot starve. If it cannot be renewed the attempt ends when the lease does, by the monotonic
 * clock: from then on a writer may have opened the fence. It also looks whether the move is still
 * ours and whether both ends still answer, and keeps the pause within its budget.
 */
import { now } from '../clock.ts'
import type { End } from '../ends/end.ts'
import type { Flags, Hold } from '../ends/flags.ts'
import { RehomeError } from '../errors.ts'
import { forgetLease, startLease } from './lease-age.ts'

export interface LeaseOptions {
  readonly leaseMs: number
  readonly budgetMs: number
  /** Is the move still this worker's? Rejections mean "could not ask" and are ignored. */
  readonly stillOurs: () => Promise<boolean>
  /** Asked all the time, fenced or not: a connection may be dead without telling. */
  readonly ends: readonly End[]
  readonly abort: (reason: RehomeError) => void
}

export interface Lease {
  /**
   * Renews from just before a capture is announced. The tenant goes on writing, so there is no
   * budget.
   */
  keep(flags: Flags, hold: Hold): void
  /**
   * From just before the fence is announced; its first renewal follows a third of a lease later.
   */
  hold(flags: Flags, hold: Hold): void
  /** An attempt before this one raised it, so long ago in ms: the pause counts from there. */
  heldFor(ms: number): void
  /** For how long this attempt has fenced the tenant by now, in ms; 0: it has not. */
  heldMs(): number
  /** Stops renewing the fence. Returns for how long it was held, in ms. */
  letGo(): number
  /** Ends all timers. */
  stop(): void
}

export function createLease(options: LeaseOptions): Lease {
  // `since`: when the tenant's writes stopped.
  let held: { renew: Renew; since: number | null } | null = null
  const renewal = { at: 0 }
  let renewing = false
  const beat = () => {
    refuseTakenOver(options)
    for (const look of looks) look()
    if (!held) return
    if (now() - renewal.at > options.leaseMs) options.abort(notRenewed(options.leaseMs))
    if (!renewing) void renew(held)
  }
  const renew = async (current: NonNullable<typeof held>) => {
    renewing = true
    const askedAt = now()
    try {
      const renewed = await current.renew()
      if (held !== current) return
      if (renewed) renewal.at = askedAt
      else options.abort(lost())
    } catch {
      // The next beat tries again, or finds that the lease is over.
    } finally {
      renewing = false
    }
  }
  let heldFrom = 0
  const budget = createBudget(options)
  const looks = options.ends.map((end) => answering(end, options.abort))
  const timer = setInterval(beat, options.leaseMs / 3)
  const letGo = () => {
    const ms = held?.since ? now() - held.since : 0
    held = null
    forgetLease(renewal)
    budget.end()
    return ms
  }
  return {
    keep(flags, hold) {
      startLease(renewal)
      held = { renew: renewalOf(flags, hold, options), since: null }
    },
    hold(flags, hold) {
      heldFrom = startLease(renewal)
      held = { renew: renewalOf(flags, hold, options), since: heldFrom }
      budget.start(0)
    },
    heldFor(ms) {
      if (!held) return
      held.since = now() - ms
      budget.start(ms)
    },
    heldMs: () => (held?.since ? now() - heldFrom : 0),
    letGo,
    stop() {
      letGo()
      clearInterval(timer)
    },
  }
}

function refuseTakenOver({ stillOurs, abort }: LeaseOptions): void {
  stillOurs().then(
    (ours) => ours || abort(takenOver()),
    () => {},
  )
}

type Renew = () => Promise<boolean>

function renewalOf(flags: Flags, hold: Hold, { leaseMs }: LeaseOptions): Renew {
  return () => flags.renewLease({ ...hold, leaseMs })
}

/** Ends the attempt when the tenant has been fenced for too long. */
function createBudget({ budgetMs, abort }: Pick<LeaseOptions, 'budgetMs' | 'abort'>) {
  let timer: NodeJS.Timeout | undefined
  const end = () => clearTimeout(timer)
  return {
    end,
    start(heldMs: number) {
      end()
      timer = setTimeout(() => abort(overBudget(budgetMs)), Math.max(0, budgetMs - heldMs))
    },
  }
}

const silentLooks = 3

/** Three looks in a row without an answer end the attempt. */
function answering(end: End, abort: (reason: RehomeError) => void): () => void {
  let silent = 0
  let asking = false
  return () => {
    if (asking) return
    asking = true
    end.flags.answer().then(
      () => {
        asking = false
        silent = 0
      },
      () => {
        asking = false
        silent += 1
        if (silent >= silentLooks) abort(unanswered(end))
      },
    )
  }
}

function unanswered(end: End): RehomeError {
  const message = `the ${end.name} (${end.place}) has not answered ${silentLooks} times in a row`
  return new RehomeError('UNREACHABLE', message)
}

function lost(): RehomeError {
  return new RehomeError(
    'FENCE_LOST',
    'the fence or the capture is gone: its lease had lapsed and a writer ended it, or another worker has it',
  )
}

function notRenewed(leaseMs: number): RehomeError {
  return new RehomeError('FENCE_LOST', `the fence could not be renewed for ${leaseMs} ms`)
}

function takenOver(): RehomeError {
  return new RehomeError('MOVE_TAKEN_OVER', 'another worker has taken the move over')
}

function overBudget(budgetMs: number): RehomeError {
  return new RehomeError(
    'PAUSE_OVER_BUDGET',
    `the tenant was fenced for more than pause.budgetMs = ${budgetMs} ms; its writes are back`,
  )
}

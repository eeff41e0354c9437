/**
 * Gives way to the application: while an end is busy, what a move does without keeping a writer
 * waiting rests between its chunks. It looks at both ends in those stages alone, and never once the
 * tenant is fenced.
 *
 * A rest keeps nothing but what the stage holds anyway: leases are renewed by their timers, and a
 * pause or a cancel ends it at once.
 */
import { now, round, sleep } from '../clock.ts'
import type { Ends } from '../ends/end.ts'
import { messageOf } from '../errors.ts'
import type { Pace as PacePlan } from '../plan/timing/pace.ts'
import { BusyQuestion } from './busy-question.ts'
import { busyReason, Governor } from './governor.ts'
import { lookEveryMs, placeLoadOf } from './place-load.ts'

export interface Pace {
  /** A stage that keeps no writer waiting is under way: it comes in small chunks, and rests. */
  readonly isOn: boolean
  /** Looks at the ends for as long as the stage lasts. */
  during<T>(stage: () => Promise<T>): Promise<T>
  /**
   * Rests after so much work while an end is busy, for `mostMs` at most. Rejects once the attempt
   * has ended.
   */
  rest(workedMs: number, mostMs?: number): Promise<void>
  /** How long it has rested in all, in ms, and the last reason. null: it never gave way. */
  rested(): { readonly restedMs: number; readonly reason: string } | null
  /** The attempt is over: it is no longer at work at its ends. */
  end(): void
}

export interface PaceOptions {
  readonly pace: PacePlan
  readonly ends: Ends
  readonly tenant: string
  readonly signal: AbortSignal
  /** Why the move gives way from now on. null: it goes on. */
  readonly onChange: (reason: string | null) => void
}

/** Rows of a chunk while it is paced: what lies between two places to rest is short. */
export const pacedChunkRows = 1_000

/** A reason is shown for so long at least, and brought up to date after so long. */
const shownMs = 2_000
const refreshedMs = 10_000

export function createPace(options: PaceOptions): Pace {
  return new AttemptPace(options)
}

class AttemptPace implements Pace {
  readonly #options: PaceOptions
  readonly #governor: Governor
  #hasLearnt = false
  #isOn = false
  #restedMs = 0
  #reason: string | null = null
  #shown: { readonly reason: string | null; readonly at: number } = {
    reason: null,
    at: Number.NEGATIVE_INFINITY,
  }
  readonly #question: BusyQuestion

  constructor(options: PaceOptions) {
    this.#options = options
    this.#governor = new Governor(options.pace.floor)
    this.#question = new BusyQuestion(options)
    for (const { load } of this.#places()) load.enter(this)
  }

  get isOn(): boolean {
    return this.#isOn
  }

  rested() {
    if (this.#reason === null) return null
    return { restedMs: round(this.#restedMs), reason: this.#reason }
  }

  /** In slices: it ends once the ends are quiet. */
  async rest(workedMs: number, mostMs = Number.POSITIVE_INFINITY): Promise<void> {
    const began = now()
    for (;;) {
      const restMs = Math.min(workedMs * (1 / this.#governor.share - 1), mostMs)
      const leftMs = restMs - (now() - began)
      if (!this.#isOn || leftMs <= 0) return
      const at = now()
      await sleep(Math.min(leftMs, lookEveryMs), this.#options.signal)
      this.#restedMs += now() - at
    }
  }

  async during<T>(stage: () => Promise<T>): Promise<T> {
    await this.#learnQuietTimes()
    const over = new AbortController()
    const signal = AbortSignal.any([over.signal, this.#options.signal])
    signal.throwIfAborted()
    this.#isOn = true
    const watching = this.#watch(signal)
    try {
      return await stage()
    } finally {
      this.#isOn = false
      over.abort()
      // A look under way ends at once, but where the end does not answer.
      await Promise.race([watching, sleep(lookEveryMs)])
      this.#show(null)
    }
  }

  end(): void {
    for (const { load } of this.#places()) load.leave(this)
  }

  #places() {
    const { ends, pace } = this.#options
    return [ends.source, ends.target].flatMap((end) =>
      end.load ? [{ meter: end.load, load: placeLoadOf(end, pace.standby) }] : [],
    )
  }

  /** Before anything of this attempt is at work there. */
  async #learnQuietTimes(): Promise<void> {
    if (this.#options.pace.commitMs !== undefined || this.#hasLearnt) return
    this.#hasLearnt = true
    await Promise.all(this.#places().map(({ meter, load }) => load.learn(meter)))
  }

  async #watch(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const reason = await this.#look(signal)
      if (signal.aborted) return
      this.#governor.look(reason)
      if (reason !== null) this.#reason = reason
      if (reason !== null) this.#show(reason)
      else if (this.#governor.share === 1) this.#show(null)
      await sleep(lookEveryMs, signal).catch(() => {})
    }
  }

  async #look(signal: AbortSignal): Promise<string | null> {
    const reasons = await Promise.all([
      this.#lookAt('source'),
      this.#lookAt('target'),
      this.#question.reason(signal),
    ])
    return reasons.find((reason) => reason !== null) ?? null
  }

  async #lookAt(name: 'source' | 'target'): Promise<string | null> {
    const { ends, pace } = this.#options
    const end = ends[name]
    if (!end.load) return null
    try {
      const shown = await placeLoadOf(end, pace.standby).look(end.load)
      return busyReason({ ...shown, name, what: end.load.what }, pace)
    } catch (error) {
      return `the ${name} does not answer: ${messageOf(error)}`
    }
  }

  /** Not more often than people can read. */
  #show(reason: string | null): void {
    const { reason: last, at } = this.#shown
    if (last === null && reason === null) return
    const leastMs = last !== null && reason !== null ? refreshedMs : shownMs
    if (now() - at < leastMs && this.#isOn) return
    this.#shown = { reason, at: now() }
    this.#options.onChange(reason)
  }
}

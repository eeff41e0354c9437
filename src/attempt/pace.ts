/**
 * Gives way to the application: while an end is busy, what a move does without keeping a writer
 * waiting rests between its chunks. It looks at both ends in those stages alone, and never once the
 * tenant is fenced.
 *
 * A rest keeps nothing but what the stage holds anyway: leases are renewed by their timers, and a
 * pause or a cancel ends it at once.
 */
import { now, restAfter, round, sleep } from '../clock.ts'
import type { Ends } from '../ends/end.ts'
import { messageOf } from '../errors.ts'
import type { Pace as PacePlan } from '../plan/timing/pace.ts'
import { BusyQuestion } from './busy-question.ts'
import { busyReason, CommitTimes, type EndLoad, Governor } from './governor.ts'

export interface Pace {
  /** A stage that keeps no writer waiting is under way: it comes in small chunks, and rests. */
  readonly isOn: boolean
  /** Looks at the ends for as long as the stage lasts. */
  during<T>(stage: () => Promise<T>): Promise<T>
  /** Rests after so much work, if an end is busy. Rejects once the attempt has ended. */
  rest(workedMs: number): Promise<void>
  /** How long it has rested in all, in ms, and the last reason. null: it never gave way. */
  rested(): { readonly restedMs: number; readonly reason: string } | null
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

const lookEveryMs = 100
const quietLooks = 10
/** The quiet times of an end are measured again after so long. */
const quietForMs = 600_000
/** A reason is shown for so long at least, and brought up to date after so long. */
const shownMs = 2_000
const refreshedMs = 10_000

/** Place → how long commits took there before a move of this process began. */
const quietTimes = new Map<string, { readonly ms: number; readonly at: number }>()

export function createPace(options: PaceOptions): Pace {
  return new AttemptPace(options)
}

class AttemptPace implements Pace {
  readonly #options: PaceOptions
  readonly #governor: Governor
  readonly #times = { source: new CommitTimes(), target: new CommitTimes() }
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
  }

  get isOn(): boolean {
    return this.#isOn
  }

  rested() {
    if (this.#reason === null) return null
    return { restedMs: round(this.#restedMs), reason: this.#reason }
  }

  async rest(workedMs: number): Promise<void> {
    if (!this.#isOn) return
    const began = now()
    await restAfter(workedMs, { share: this.#governor.share, signal: this.#options.signal })
    this.#restedMs += now() - began
  }

  async during<T>(stage: () => Promise<T>): Promise<T> {
    await this.#learnQuietTimes()
    const over = new AbortController()
    const signal = AbortSignal.any([over.signal, this.#options.signal])
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

  /** Before anything of this attempt is at work there. */
  async #learnQuietTimes(): Promise<void> {
    const { pace, ends, signal } = this.#options
    if (pace.commitMs !== undefined) return
    const unknown = [ends.source, ends.target].filter(({ place, load }) => {
      return load && now() - (quietTimes.get(place)?.at ?? Number.NEGATIVE_INFINITY) > quietForMs
    })
    await Promise.all(
      unknown.map(async ({ place, load }) => {
        const times = new CommitTimes()
        for (let i = 0; i < quietLooks; i += 1) {
          const { ms } = (await load?.look({}).catch(() => null)) ?? { ms: null }
          if (ms !== null) times.add(ms)
          await sleep(lookEveryMs / 2, signal)
        }
        if (times.meanMs !== null) quietTimes.set(place, { ms: times.meanMs, at: now() })
      }),
    )
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
    const { load, place } = ends[name]
    if (!load) return null
    const times = this.#times[name]
    try {
      const shown = await load.look(pace)
      if (shown.ms !== null) times.add(shown.ms)
      const quietMs = quietTimes.get(place)?.ms ?? null
      const all: EndLoad = { ...shown, name, what: load.what, meanMs: times.meanMs, quietMs }
      return busyReason(all, pace)
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

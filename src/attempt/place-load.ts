/**
 * The load on one place, as the moves of this process see it: they share its looks and its quiet
 * times, so that many moves ask no more of a database than a single one does.
 */
import { now, sleep } from '../clock.ts'
import type { End } from '../ends/end.ts'
import type { Load, LoadMeter } from '../ends/load.ts'
import { CommitTimes, QuietTimes } from './governor.ts'

export const lookEveryMs = 100
/** Looks of one measurement of the quiet time, twice as often as those while a move works. */
const quietLooks = 10
/** Times of looks before a gap of so long are those of another load. */
const gapMs = 2_000

/** A look, with those before it. */
export interface Shown extends Load {
  /** How long a commit takes by the last looks, in ms. null: unknown. */
  readonly takesMs: number | null
  /** How long it took before the moves, in ms. null: unknown. */
  readonly quietMs: number | null
  /** The plan's standby was connected at a look before. */
  readonly isGone: boolean
}

export class PlaceLoad {
  readonly #standby: string | undefined
  readonly #atWork = new Set<object>()
  readonly #quiet = new QuietTimes()
  #times: CommitTimes | null = null
  #learning: Promise<void> | null = null
  #last: { readonly at: number; readonly shown: Promise<Shown> } | null = null
  #underWay = false
  #wasConnected = false

  constructor(standby?: string) {
    this.#standby = standby
  }

  /** From here on the move may work there. Repeatable. */
  enter(move: object): void {
    this.#atWork.add(move)
  }

  leave(move: object): void {
    this.#atWork.delete(move)
  }

  /** Resolves once the quiet time is known as well as it can be. Never rejects. */
  async learn(meter: LoadMeter): Promise<void> {
    const isQuiet = this.#atWork.size <= 1
    if (!this.#learning && this.#quiet.isDue({ isQuiet, at: now() })) {
      this.#learning = this.#measure(meter).finally(() => {
        this.#learning = null
      })
    }
    await this.#learning
  }

  /** The look under way, or the last one, where it was just now. */
  look(meter: LoadMeter): Promise<Shown> {
    // A timer may be due a little early.
    const isNew = this.#last && now() - this.#last.at < lookEveryMs * 0.9
    if (!this.#last || (!this.#underWay && !isNew)) this.#last = this.#begin(meter)
    return this.#last.shown
  }

  #begin(meter: LoadMeter): { readonly at: number; readonly shown: Promise<Shown> } {
    const at = now()
    if (!this.#times || at - (this.#last?.at ?? at) > gapMs) this.#times = new CommitTimes(meter.by)
    this.#underWay = true
    const shown = this.#show(meter, this.#times).finally(() => {
      this.#underWay = false
    })
    return { at, shown }
  }

  async #show(meter: LoadMeter, times: CommitTimes): Promise<Shown> {
    const load = await meter.look({ standby: this.#standby })
    if (load.ms !== null) times.add(load.ms)
    const isGone = load.isConnected === false && this.#wasConnected
    if (load.isConnected) this.#wasConnected = true
    return { ...load, takesMs: times.ms, quietMs: this.#quiet.ms, isGone }
  }

  /** Ends early where the end does not answer, or measures nothing. */
  async #measure(meter: LoadMeter): Promise<void> {
    const times = new CommitTimes(meter.by)
    for (let i = 0; i < quietLooks; i += 1) {
      const { ms } = await meter.look({ standby: this.#standby }).catch(() => ({ ms: null }))
      if (ms === null) break
      times.add(ms)
      await sleep(lookEveryMs / 2)
    }
    this.#quiet.add(times.ms, now())
  }
}

const places = new Map<string, PlaceLoad>()

/** One for all moves of the process, and of all plans. */
export function placeLoadOf({ place }: Pick<End, 'place'>, standby?: string): PlaceLoad {
  const key = JSON.stringify([place, standby])
  const load = places.get(key) ?? new PlaceLoad(standby)
  places.set(key, load)
  return load
}

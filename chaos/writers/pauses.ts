/**
 * For how long each tenant could not write, as its writers saw it.
 *
 * A pause lasts from the first refusal by a fence to the end of the first write that was begun
 * after it and accepted, at whichever end. A connection that fails is no refusal, and ends none;
 * but where no refusal was heard for a second, the next one begins another pause.
 */
import type { EndName } from '../../demo/application/ledger.ts'

export interface Pause {
  readonly tenant: string
  readonly fromMs: number
  /** The time of the last refusal. */
  readonly refusedToMs: number
  /** The time of the write that ended it; null where none was seen to. */
  readonly acceptedMs: number | null
  readonly refusals: number
  /** The last answer of each end. */
  readonly said: Readonly<Partial<Record<EndName, string>>>
}

type Going = { -readonly [Key in keyof Pause]: Pause[Key] } & {
  said: Partial<Record<EndName, string>>
}

const silenceMsMax = 1_000

export class Pauses {
  readonly #going = new Map<string, Going>()
  readonly #over: Pause[] = []
  #refusals = 0

  /** All of them, also those of no pause. */
  get refusals(): number {
    return this.#refusals
  }

  refuse(tenant: string, { end, mode }: { end: EndName; mode: string }): void {
    const atMs = performance.now()
    this.#refusals += 1
    const before = this.#going.get(tenant)
    if (before && atMs - before.refusedToMs > silenceMsMax) this.#end(before)
    const going = this.#going.get(tenant) ?? begun(tenant, atMs)
    going.refusals += 1
    going.refusedToMs = atMs
    going.said[end] = mode
    this.#going.set(tenant, going)
  }

  isGoing(tenant: string): boolean {
    return this.#going.has(tenant)
  }

  accept(tenant: string, write: { startedMs: number; endedMs: number }): void {
    const going = this.#going.get(tenant)
    if (!going || write.startedMs < going.fromMs) return
    going.acceptedMs = write.endedMs
    this.#end(going)
  }

  /**
   * A refusal at an end where the tenant does not live is no pause: no writer has to wait for it.
   */
  forget(tenant: string): void {
    this.#going.delete(tenant)
  }

  all(): Pause[] {
    return [...this.#over, ...this.#going.values()]
  }

  #end(going: Going): void {
    this.#going.delete(going.tenant)
    this.#over.push(going)
  }
}

function begun(tenant: string, atMs: number): Going {
  return { tenant, fromMs: atMs, refusedToMs: atMs, acceptedMs: null, refusals: 0, said: {} }
}

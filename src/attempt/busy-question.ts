/**
 * The plan's own question whether a move is to give way: a query or a function. It is asked once a
 * second, and not again before it has answered. Whether it answers or not, no look waits for it.
 */
import { now, sleep } from '../clock.ts'
import type { Ends } from '../ends/end.ts'
import { messageOf } from '../errors.ts'
import type { Pace } from '../plan/timing/pace.ts'
import { lookupAt } from './lookup-at.ts'

const askEveryMs = 1_000
/** An answer that comes so soon counts for the look that asked. */
const atOnceMs = 100
/** A question without an answer for so long is a reason: it would be missed otherwise. */
const answerMs = 2_000

export interface BusyOptions {
  readonly pace: Pick<Pace, 'busy'>
  readonly ends: Ends
  readonly tenant: string
}

export class BusyQuestion {
  readonly #options: BusyOptions
  #asked: { readonly at: number; readonly answer: Promise<void> } | null = null
  #answeredAt = Number.NEGATIVE_INFINITY
  #reason: string | null = null

  constructor(options: BusyOptions) {
    this.#options = options
  }

  /** Why the move is to give way by the last answer. `signal`: handed to the function. */
  async reason(signal: AbortSignal): Promise<string | null> {
    const { busy } = this.#options.pace
    if (busy === undefined) return null
    if (this.#asked === null && now() - this.#answeredAt >= askEveryMs) this.#ask(signal)
    const question = this.#asked
    if (question === null) return this.#reason
    await Promise.race([question.answer, sleep(atOnceMs)])
    const isLate = this.#asked !== null && now() - question.at >= answerMs
    return isLate ? `\`pace.busy\` has not answered within ${answerMs} ms` : this.#reason
  }

  #ask(signal: AbortSignal): void {
    const answer = this.#answer(signal).then((reason) => {
      this.#asked = null
      // What the end of its stage has made it answer is no answer.
      if (signal.aborted) return
      this.#reason = reason
      this.#answeredAt = now()
    })
    this.#asked = { at: now(), answer }
  }

  async #answer(signal: AbortSignal): Promise<string | null> {
    const { ends, tenant, pace } = this.#options
    const { busy = () => false } = pace
    try {
      if (typeof busy === 'function') {
        const source = lookupAt(ends.source)
        const at = { tenantId: tenant, source, target: lookupAt(ends.target), signal }
        return textOf(await busy(at))
      }
      const [row] = await lookupAt(ends.source, answerMs)(busy)
      return textOf(answerOf(Object.values(row ?? {})[0]))
    } catch (error) {
      return `\`pace.busy\` failed: ${messageOf(error)}`
    }
  }
}

/** The first value of a query, as its text: a reason, unless it is a word for yes or no. */
export function answerOf(value: string | null | undefined): boolean | string {
  if (/^(t|true|y|yes|on|1)$/i.test(value ?? '')) return true
  return /^(f|false|n|no|off|0|)$/i.test(value ?? '') ? false : (value ?? false)
}

function textOf(answer: boolean | string): string | null {
  if (answer === true) return '`pace.busy` answers so'
  return answer === false || answer === '' ? null : answer
}

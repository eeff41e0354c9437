/**
 * Did anybody wait for an answer for longer than a tenant may be kept from writing?
 *
 * A fence refuses at once, and no writer waits for the transaction of another one, whoever has died
 * or hangs. So a write may take
 *
 *     budget + 1 s + the time in which its servers, its wires or its tables were taken away
 *
 * and no time is added for workers, the control database or the queue.
 */
import type { Finding } from './findings.ts'
import type { Outages } from './outages.ts'
import { budgetMs } from './plan.ts'
import { type Waits, waitedMsOf } from './waits.ts'

export interface WaitsCheck {
  readonly waits: Waits
  readonly outages: Outages
}

export function checkWaits({ waits, outages }: WaitsCheck): Finding[] {
  return waits.long().flatMap((wait) => {
    const { tenant, end } = wait
    const waitedMs = waitedMsOf(wait)
    const outMs = outages.outMs(wait, { any: ['source', 'target', 'writers', 'tables'], all: [] })
    const allowedMs = budgetMs + 1_000 + outMs
    if (waitedMs <= allowedMs) return []
    const at = `at ${Math.round(wait.fromMs - waits.startMs)} ms`
    const text = `${at} it waited ${Math.round(waitedMs)} ms for the ${end}, ${Math.round(allowedMs)} allowed: ${wait.answer}`
    return [{ kind: 'waited', tenant, text } as const]
  })
}

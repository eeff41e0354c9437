/**
 * Did anybody wait for an answer for longer than a tenant may be kept from writing?
 *
 * A fence refuses at once, and no writer waits for the transaction of another one, even if that one
 * died or hangs. So a write may take
 *
 *     budget + 1 s + the time in which its server, its wires or the tables there were taken away
 *
 * and no time is added for workers, the control database, the queue or the other end. A write that
 * went to an end where its tenant does not live is no exception: a guard refuses it, but only after
 * it has got the row, which a transaction of ours may be about to remove or replace. Such a
 * transaction ends with its worker; only a round, which reads the other end meanwhile, stays open
 * while a worker stands still. So for such a write the time in which a worker was out counts, too.
 */

import type { Outages, Part } from '../faults/outages.ts'
import { budgetMs } from '../plan.ts'
import { type Waits, waitedMsOf } from '../writers/waits.ts'
import type { Finding } from './findings.ts'

export interface WaitsCheck {
  readonly waits: Waits
  readonly outages: Outages
  readonly workers: readonly Part[]
}

export function checkWaits({ waits, outages, workers }: WaitsCheck): Finding[] {
  return waits.long().flatMap((wait) => {
    const { tenant, end, isAway } = wait
    const waitedMs = waitedMsOf(wait)
    const any = [end, `tables ${end}`, 'writers', ...(isAway ? workers : [])] as const
    const outMs = outages.outMs(wait, { any, all: [] })
    const allowedMs = budgetMs + 1_000 + outMs
    if (waitedMs <= allowedMs) return []
    const at = `at ${Math.round(wait.fromMs - waits.startMs)} ms`
    const blockers = behind(waits.blockers(wait))
    const [waited, allowed] = [Math.round(waitedMs), Math.round(allowedMs)]
    const outcome = `${allowed} allowed: ${wait.answer}${blockers}`
    const text = `${at} it waited ${waited} ms for the ${end}, ${outcome}`
    return [{ kind: 'waited', tenant, text } as const]
  })
}

function behind(sessions: readonly string[]): string {
  return sessions.length === 0 ? '' : `; sessions there waited for ${sessions.join(', and for ')}`
}

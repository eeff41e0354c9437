/**
 * Was anybody kept from writing for longer than he may be?
 *
 * A mover that lives may hold a fence for its plan's budget; when it dies the lease runs out, and
 * the first writer opens the fence. So a tenant is stuck where its writes were refused, without one
 * being let in, for longer than
 *
 *     budget + lease + 1 s + the time during which source or target were out, or all workers were,
 *
 * counted within the pause and the lease before it. A lapsed lease is ended by the first writer, in
 * its own transaction, which no other process may end, and the others are refused until it commits.
 * So all that may keep that transaction from its end counts as well: another one of the application
 * that holds the tenant, tables that are locked, frozen connections of writers. Nothing is added
 * for what comes after a cutover: there the writers themselves open the end (open-end.ts).
 */

import type { Outages, Part } from '../faults/outages.ts'
import { budgetMs, leaseMs } from '../plan.ts'
import type { Pause } from '../writers/pauses.ts'
import type { Finding } from './findings.ts'

/** The first writer after a lease has lapsed may be kept by a lock, or be cut off. */
const kept = ['source', 'target', 'tables source', 'tables target', 'writers'] as const

export interface PausesCheck {
  readonly pauses: readonly Pause[]
  readonly outages: Outages
  readonly workers: readonly Part[]
}

export function checkPauses({ pauses, outages, workers }: PausesCheck): Finding[] {
  return pauses.flatMap((pause) => {
    const refusedMs = pause.refusedToMs - pause.fromMs
    const span = { fromMs: pause.fromMs - leaseMs, toMs: pause.refusedToMs }
    const outMs = outages.outMs(span, {
      any: [...kept, `tenant ${pause.tenant}`],
      all: workers,
    })
    const allowedMs = budgetMs + leaseMs + 1_000 + outMs
    if (refusedMs <= allowedMs) return []
    const said = Object.entries(pause.said).map(([end, mode]) => `the ${end} said ${mode}`)
    const text = `refused for ${Math.round(refusedMs)} ms, ${Math.round(allowedMs)} allowed (${said.join(', ')})`
    return [{ kind: 'stuck', tenant: pause.tenant, text } as const]
  })
}

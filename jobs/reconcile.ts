/**
 * Runs in a loop, not as a job. It gives open moves that no worker has touched for a while their
 * job again, so that a flushed Redis or a worker that died between two stores loses nothing; and
 * what dead workers have left fenced is opened.
 */

import { randomUUID } from 'node:crypto'
import type { Control } from '../src/control/database.ts'
import { movesToAudit, openMoves } from '../src/control/due-moves.ts'
import { movesAtOnce } from '../src/control/steer.ts'
import { announceWorker, dismissWorker } from '../src/control/workers.ts'
import { audit } from '../src/coordinator/ask-errands.ts'
import { reconcile } from '../src/coordinator/enqueue.ts'
import type { Logger } from '../src/log.ts'
import { limitMoves } from '../src/queue/limits.ts'
import type { Queues } from '../src/queue/queues.ts'
import { reap, tidyLogs } from '../src/stages/reap.ts'
import type { OpenPlan } from '../src/worker/attempt.ts'

export interface ReconcileOptions {
  readonly control: Control
  readonly queues: Queues
  readonly plans: readonly OpenPlan[]
  readonly log: Logger
  /** Default 5,000. */
  readonly everyMs?: number | undefined
}

/** Asks for the plan's audits that are due. */
async function auditDue(
  { control, queues }: ReconcileOptions,
  { plan, fingerprint }: OpenPlan,
): Promise<void> {
  const { auditEveryMs } = plan.rollback
  if (auditEveryMs === 0) return
  const due = await movesToAudit(control, { name: plan.name, fingerprint }, auditEveryMs)
  await audit({ control, queues }, due, 'the plan')
}

/** Every minute, unless it is to look more often. */
const looksToTidy = 12

/** Looks at once and then every `everyMs`, one look at a time. Returns what ends it. */
export function startReconcile(options: ReconcileOptions): () => Promise<void> {
  const everyMs = options.everyMs ?? 5_000
  let timer: NodeJS.Timeout
  let ended = false
  let looks = 0
  // A place of its own: otherwise all workers would look at the same moves of a million.
  let after: string = randomUUID()
  const { control, log, plans } = options
  const id = randomUUID()
  const fingerprints = plans.map(({ fingerprint }) => fingerprint)
  const look = async () => {
    const tried = (what: string) => (error: unknown) =>
      log.warn({ err: error }, `could not ${what}, will look again`)
    const fences = plans.map(async ({ plan, ends }) => {
      for (const reaped of await reap(plan.scope, ends, control)) log.warn(reaped, reaped.what)
    })
    const alive = announceWorker(control, { id, fingerprints, aliveMs: 3 * everyMs + 10_000 })
    const due = { untouchedMs: everyMs, after, fingerprints }
    const jobs = openMoves(control, due).then(async (moves) => {
      after = moves.at(-1)?.id ?? after
      await reconcile(options, moves)
    })
    // A queue that has lost everything has lost the limit, too.
    const limited = movesAtOnce(control).then((most) => limitMoves(options.queues, most))
    const tidied = looks % looksToTidy === 0 ? plans.map(({ ends }) => tidyLogs(ends)) : []
    looks += 1
    const audits = plans.map((open) => auditDue(options, open))
    await Promise.all([
      jobs.catch(tried('give open moves their jobs')),
      alive.catch(tried('announce this worker')),
      limited.catch(tried('limit the moves at once')),
      ...fences.map((looked) => looked.catch(tried('look after fences'))),
      ...tidied.map((done) => done.catch(tried('tidy the logs of changes'))),
      ...audits.map((request) => request.catch(tried('ask for audits'))),
    ])
    if (!ended) timer = setTimeout(look, everyMs)
  }
  void look()
  return async () => {
    ended = true
    clearTimeout(timer)
    await dismissWorker(control, id).catch(() => {})
  }
}

/**
 * Runs in a loop, not as a job. It gives open moves that no worker has touched for a while their
 * job again, so that a flushed Redis or a worker that died between two stores loses nothing; and
 * what dead workers have left fenced is opened.
 */

import { randomUUID } from 'node:crypto'
import type { Control } from '../src/control/database.ts'
import { anyPlace, movesToAudit, openMoves, type Place } from '../src/control/due-moves.ts'
import { forgetEvents } from '../src/control/fleet/retention.ts'
import { movesAtOnce } from '../src/control/steer.ts'
import { announceWorker, dismissWorker } from '../src/control/workers.ts'
import { audit } from '../src/coordinator/ask-errands.ts'
import { reconcile } from '../src/coordinator/enqueue.ts'
import type { Logger } from '../src/log.ts'
import { limitMoves } from '../src/queue/limits.ts'
import type { Queues } from '../src/queue/queues.ts'
import { reap, removeGuards } from '../src/stages/reap.ts'
import type { OpenPlan } from '../src/worker/attempt.ts'
import { eachInHand, tidyInHand } from '../src/worker/ends-in-hand.ts'
import { startLoop } from './loop.ts'

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

/** A chore of the loop: what it does, in words, and how often compared with the others. */
interface Chore {
  readonly what: string
  readonly work: () => Promise<unknown>
  /** Default 1: at each look. Asked after each one. */
  readonly everyLooks?: () => number
}

/** Every minute, unless it is to look more often. */
const looksToTidy = () => 12

function choresOf(options: ReconcileOptions, { id, everyMs }: { id: string; everyMs: number }) {
  const { control, log, plans, queues } = options
  const fingerprints = plans.map(({ fingerprint }) => fingerprint)
  let after: Place | null = null
  const giveJobs = async () => {
    after ??= await anyPlace(control)
    const page = await openMoves(control, { untouchedMs: everyMs, after, fingerprints })
    after = page.next
    await reconcile(options, page.moves)
  }
  const announce = () =>
    announceWorker(control, { id, fingerprints, aliveMs: 3 * everyMs + 10_000 })
  // A queue that has lost everything has lost the limit, too.
  const limit = async () => await limitMoves(queues, await movesAtOnce(control))
  let isMoreToForget = false
  const forget = async () => {
    isMoreToForget = (await forgetEvents(control)).more
  }
  const looksToForget = () => (isMoreToForget ? 1 : looksToTidy())
  const ofPlans = plans.flatMap((open): Chore[] => {
    const { plan } = open
    const lookAfterFences = async () => {
      await eachInHand(control, open, async ({ ends }) => {
        for (const reaped of await reap(plan.scope, ends, control)) log.warn(reaped, reaped.what)
      })
    }
    const tidy = () => eachInHand(control, open, (inHand) => tidyInHand(control, plan, inHand))
    const takeGuards = async () => {
      if (plan.guards !== 'while moving') return
      await eachInHand(control, open, async ({ ends }) => {
        for (const taken of await removeGuards(ends, control)) log.info(taken, 'guards taken away')
      })
    }
    return [
      { what: 'look after fences', work: lookAfterFences },
      { what: 'tidy the logs of changes', work: tidy, everyLooks: looksToTidy },
      { what: 'take away guards', work: takeGuards, everyLooks: looksToTidy },
      { what: 'ask for audits', work: () => auditDue(options, open) },
    ]
  })
  return [
    { what: 'give open moves their jobs', work: giveJobs },
    { what: 'announce this worker', work: announce },
    { what: 'limit the moves at once', work: limit },
    { what: 'remove old events', work: forget, everyLooks: looksToForget },
    ...ofPlans,
  ] satisfies Chore[]
}

/**
 * Looks at once and then every `everyMs`. Each chore goes on by itself, one look at a time: a
 * server that hangs keeps no other plan's tenants waiting. Returns what ends it.
 */
export function startReconcile(options: ReconcileOptions): () => Promise<void> {
  const everyMs = options.everyMs ?? 5_000
  const { control, log } = options
  const id = randomUUID()
  const stops = choresOf(options, { id, everyMs }).map(({ what, work, everyLooks = () => 1 }) =>
    startLoop(async () => {
      await work().catch((err: unknown) => log.warn({ err }, `could not ${what}, will look again`))
      return everyMs * everyLooks()
    }),
  )
  return async () => {
    // A round that is under way may go on.
    for (const stop of stops) void stop()
    await dismissWorker(control, id).catch((err: unknown) =>
      log.warn({ err }, 'could not store that this worker has ended'),
    )
  }
}

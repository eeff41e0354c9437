/**
 * Errands without a queue and without a worker: moves go straight into the control database, and
 * `attempt()` is called until the errand is over. What the application does meanwhile begins at the
 * attempt's nth moment, so that a case does not depend on the machine's speed.
 */
import { randomUUID } from 'node:crypto'
import { askCleanup, askRollback, askWindow } from '../src/control/ask.ts'
import type { Control } from '../src/control/database.ts'
import { findMove } from '../src/control/moves.ts'
import { insertRun } from '../src/control/runs/runs.ts'
import { closeEnds, openEnds } from '../src/coordinator/installation.ts'
import { type Ends, endsOf, type PlanEnds, placeOfTenant } from '../src/ends/end.ts'
import { createLog } from '../src/log.ts'
import { checkPlan, fingerprintOf } from '../src/plan/check-plan.ts'
import type { Plan, PlanInput } from '../src/plan/plan.ts'
import type { Pool } from '../src/postgres.ts'
import { attempt } from '../src/worker/attempt.ts'
import type { Errand } from './cases/case.ts'
import type { Moments } from './moments.ts'

/** How an errand ended: the phase in which the move settled, or the error that ended it. */
export type Ended =
  | { readonly phase: string }
  | { readonly code: string; readonly message: string; readonly phase: string }
  /** The move does not stand where this can be asked. */
  | 'not asked'

export interface Errands extends AsyncDisposable {
  carryOut(errand: Errand, options?: Options): Promise<Ended>
}

export interface Options {
  readonly meet?: Moments['meet']
  /** The worker is stopped at this moment. */
  readonly stopAt?: number | null
  /** A stopped move is called off. */
  readonly withdraw?: boolean
}

const attemptsMax = 6
const log = createLog({ level: 'silent' })

interface At {
  readonly control: Control
  readonly plan: Plan
  readonly fingerprint: string
  readonly ends: PlanEnds
  readonly tenant: string
  moveId: string
}

export function openErrands(
  control: Control,
  input: PlanInput,
  given: {
    readonly environment: NodeJS.ProcessEnv
    readonly tenant: string
    readonly moments: Moments
  },
): Errands {
  const plan = checkPlan(input)
  const ends = openEnds(plan, given.environment)
  const fingerprint = fingerprintOf(plan)
  const at: At = { control, plan, fingerprint, ends, tenant: given.tenant, moveId: '' }
  const { moments } = given
  countConnections(endsOf(ends, given.tenant), moments)
  return {
    async carryOut(errand, options = {}) {
      if (!(await ask(at, errand))) return 'not asked'
      moments.count = 0
      moments.meet = options.meet
      try {
        return await live(at, moments, options)
      } finally {
        moments.meet = undefined
      }
    },
    async [Symbol.asyncDispose]() {
      await closeEnds(ends)
      const runs = 'delete from rehome_control.runs where plan_name = $1'
      await control.pool.query('delete from rehome_control.events')
      await control.pool.query('delete from rehome_control.moves')
      await control.pool.query(runs, [plan.name])
    },
  }
}

/** Both ends' pools wait, before they give a connection, for what is to happen at that moment. */
function countConnections(ends: Ends, moments: Moments): void {
  for (const { sql } of [ends.source, ends.target]) {
    if (!sql) continue
    for (const pool of new Set([sql.pool, sql.lifeline])) meetAt(pool, moments)
  }
}

function meetAt(pool: Pool, moments: Moments): void {
  const connect = pool.connect.bind(pool) as (...done: unknown[]) => Promise<unknown>
  pool.connect = ((...done: unknown[]) => {
    const met = moments.next()
    return met ? met.then(() => connect(...done)) : connect(...done)
  }) as typeof pool.connect
}

async function ask(at: At, errand: Errand): Promise<boolean> {
  const { control, moveId } = at
  const by = 'fuzz'
  if (errand === 'move' || errand === 'rehearse') {
    at.moveId = await addRun(at, errand)
    return true
  }
  if (!moveId) return false
  if (errand === 'rollback') {
    return (await askRollback(control, moveId, { by, discardWrites: false })) !== null
  }
  if (errand === 'cleanup') return (await askCleanup(control, moveId, { by })) !== null
  return (await askWindow(control, moveId, { errand, by })) !== null
}

async function addRun(at: At, errand: 'move' | 'rehearse'): Promise<string> {
  const { plan, ends, fingerprint, tenant } = at
  const moveId = randomUUID()
  const run = {
    id: `fuzz-${moveId}`,
    plan_name: plan.name,
    plan_fingerprint: fingerprint,
    scope: plan.scope,
    source: ends.source.place,
    target: ends.target.place,
    attempts: plan.attempts,
    backoff_ms: plan.backoffMs,
    created_by: 'fuzz',
    rehome_version: 'fuzz',
    rehearsal: errand === 'rehearse',
  }
  const { source, target } = ends
  const own = {
    ...(!source.rows && { source: placeOfTenant(source, tenant) }),
    ...(!target.rows && { target: placeOfTenant(target, tenant) }),
  }
  const moves = [{ id: moveId, tenant, ...own }]
  await insertRun(at.control, run, { moves, errand, targetScope: plan.targetScope })
  return moveId
}

async function live(at: At, moments: Moments, options: Options): Promise<Ended> {
  const { control, plan, fingerprint, ends, moveId } = at
  const opened = { control, plans: [{ plan, fingerprint, ends }], moveId, log }
  const quiet = { report: () => {}, tell: () => {} }
  let stopAt = options.stopAt ?? null
  let last: Ended = { code: 'NOT_OVER', message: 'no attempt was made', phase: '' }
  for (let i = 0; i < attemptsMax; i += 1) {
    const move = await findMove(control, moveId)
    if (!move?.open) return i === 0 ? 'not asked' : last
    const stop = new AbortController()
    if (stopAt !== null) stopWhen(moments, { stop, at: moments.count + stopAt })
    stopAt = null
    const outcome = await attempt({ ...opened, ...quiet, errand: move.errand, stop: stop.signal })
    if (outcome.kind === 'nothing to do' || outcome.kind === 'held') continue
    if (outcome.kind === 'settled') return { phase: outcome.phase }
    const { code, message } = outcome.error
    last = { code, message, phase: outcome.error.phase ?? '' }
    if (!outcome.again) return last
    if (code === 'STOPPED' && options.withdraw) {
      await askRollback(control, moveId, { by: 'fuzz', discardWrites: false })
    }
  }
  return {
    code: 'NOT_OVER',
    message: `after ${attemptsMax} attempts: ${JSON.stringify(last)}`,
    phase: '',
  }
}

function stopWhen(moments: Moments, { stop, at }: { stop: AbortController; at: number }): void {
  const { meet } = moments
  moments.meet = (moment) => {
    if (moment === at) stop.abort()
    return meet?.(moment)
  }
}

// Attempts at errands without a queue and without a worker process: `attempt()` itself, any number
// of them at once. Each may be a life that ends or stands still; they share connections.
import { inspect } from 'node:util'
import { type Control, closeControl, openControl } from '../../../src/control/database.ts'
import { findMove } from '../../../src/control/moves.ts'
import { closeEnds, openEnds } from '../../../src/coordinator/installation.ts'
import { type PlanEnds, sharedEnds } from '../../../src/ends/end.ts'
import { createLog } from '../../../src/log.ts'
import { checkPlan, fingerprintOf } from '../../../src/plan/check-plan.ts'
import type { Plan } from '../../../src/plan/plan.ts'
import type { Pool } from '../../../src/postgres.ts'
import { reap } from '../../../src/stages/reap.ts'
import { attempt, type Outcome } from '../../../src/worker/attempt.ts'
import type { World } from '../world.ts'
import { type Life, lend } from './life.ts'

const attemptsMax = 6
const connectionsMax = 120

export interface Attempts extends AsyncDisposable {
  /**
   * One attempt at what is asked for a move. Resolves when its code has ended; with null at its
   * death, after which what is left of its code reaches no server.
   */
  live(life: Life, moveId: string): Promise<Outcome | null>
  /**
   * Attempts without a life of their own, until the errand is over, well or not. Throws where so
   * many do not end it, with how each of them ended.
   */
  finish(moveId: string): Promise<void>
  /** Runs the reaper, as every worker does every few seconds. */
  reap(): Promise<void>
}

export function openAttempts(world: Pick<World, 'environment' | 'plan'>): Attempts {
  const { environment } = world
  const plan = checkPlan(world.plan())
  const fingerprint = fingerprintOf(plan)
  const control = openControl(environment.CONTROL_URL ?? '')
  const shared = openEnds(plan, environment)
  for (const pool of [control.pool, ...poolsOf(shared)]) share(pool)
  const log = createLog({ level: process.env.LOG_LEVEL ?? 'silent' })
  const opened = { control, log, report: () => {}, tell: () => {} }
  const errandOf = async (moveId: string) => {
    const move = await findMove(control, moveId)
    return move?.open ? { moveId, errand: move.errand } : null
  }
  return {
    async live(life, moveId) {
      const asked = await errandOf(moveId)
      if (!asked) return { kind: 'nothing to do' }
      const ends = endsFor(shared, plan, environment)
      const plans = [{ plan: mortal(plan, life), fingerprint, ends }]
      const lived = life.live(() => attempt({ ...opened, ...asked, plans, stop: life.signal }))
      const outcome = lived.finally(() => closeOwn(ends))
      outcome.catch(() => {})
      return await Promise.race([life.died(), outcome])
    },
    async finish(moveId) {
      const plans = [{ plan, fingerprint, ends: shared }]
      const stop = new AbortController().signal
      const outcomes: Outcome[] = []
      while (outcomes.length < attemptsMax) {
        const asked = await errandOf(moveId)
        if (!asked) return
        const outcome = await attempt({ ...opened, ...asked, plans, stop })
        if (outcome.kind === 'held') await complete(control, moveId)
        outcomes.push(outcome)
      }
      if (await errandOf(moveId)) throw new Error(`not over: ${inspect(outcomes, { depth: 4 })}`)
    },
    reap: async () => void (await reap(plan.scope, sharedEnds(shared), control)),
    // What the dead had in use is never given back, so nothing waits for that.
    async [Symbol.asyncDispose]() {
      void Promise.all([closeEnds(shared), closeControl(control)])
    },
  }
}

/** Ends the hold, as a person would who has seen it. */
async function complete({ pool }: Control, moveId: string): Promise<void> {
  await pool.query('update rehome_control.moves set held = false where id = $1', [moveId])
}

/** The dead do not try to lower a fence for the length of its lease. */
function mortal(plan: Plan, life: Life): Plan {
  const { leaseMs } = plan.fence
  const fence = {
    ...plan.fence,
    get leaseMs() {
      return life.dead ? 0 : leaseMs
    },
  }
  return { ...plan, fence }
}

function poolsOf({ source, target }: PlanEnds): Pool[] {
  return [source, target].flatMap(({ sql }) =>
    sql ? [sql.pool, sql.writers ?? sql.pool, sql.lifeline, sql.looks ?? sql.pool] : [],
  )
}

function share(pool: Pool): void {
  pool.options.max = connectionsMax
  lend(pool)
}

/** Connections over HTTP are kept by an agent, which is the life's own. */
function endsFor(shared: PlanEnds, plan: Plan, environment: NodeJS.ProcessEnv): PlanEnds {
  if (shared.source.sql && shared.target.sql) return shared
  const own = openEnds(plan, environment)
  return {
    source: shared.source.sql ? shared.source : own.source,
    target: shared.target.sql ? shared.target : own.target,
  }
}

function closeOwn({ source, target }: PlanEnds): void {
  for (const end of [source, target]) if (!end.sql) void end.close()
}

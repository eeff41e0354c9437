/** Calls open moves of a run off: before their cutover back to the source, after it forward. */
import { type Expression, type SqlBool, sql } from 'kysely'
import { askPage, withdrawalOf, withJob } from '../../control/ask.ts'
import type { Control } from '../../control/database.ts'
import {
  type BriefMove,
  isEndableRollback,
  isOpenMove,
  pageSize,
  pagesOf,
  type Reached,
  type Some,
  Tally,
} from '../../control/run-moves.ts'
import { isStoppable } from '../../control/steer.ts'
import { callOff } from '../../control/steer-moves.ts'
import { hasWorker } from '../../control/workers.ts'
import { beforeCutover } from '../../phases.ts'
import { ensureJobs } from '../../queue/limits.ts'
import type { Queues } from '../../queue/queues.ts'
import { halfway, notNow } from '../errand-choice.ts'
import { chosen, type SteerOptions, tell } from '../steer.ts'
import { feed } from './feed.ts'

interface At {
  readonly control: Control
  readonly queues: Queues
}

export interface Cancelled {
  /** They had changed nothing yet, or no worker has the plan that they need. */
  readonly calledOff: Reached
  /** Moves under way: their tenants stay at the source, and what was copied is removed. */
  readonly takenBack: Reached
  /** Moves past their cutover: they only go forward. */
  readonly forward: Reached
}

export interface CancelOptions extends Omit<SteerOptions, 'onTenants'> {
  /** Called with all names, page by page. */
  readonly onTenants?: ((tenants: readonly string[], end: keyof Cancelled) => void) | undefined
}

/**
 * Calls off the open moves of the run, or of these tenants; also rollbacks that have not begun, if
 * no worker has the run's plan.
 */
export async function cancel(at: At, runId: string, options: CancelOptions): Promise<Cancelled> {
  const { run, some } = await chosen(at, runId, { ...options, onTenants: undefined })
  const isOrphaned = !(await hasWorker(at.control, run.plan_fingerprint))
  const isOpen = isOrphaned ? sql<SqlBool>`(${isOpenMove} or ${isEndableRollback})` : isOpenMove
  await refuseNoneOpen(at.control, some, isOpen)
  const tallyOf = (end: keyof Cancelled) =>
    new Tally((tenants) => options.onTenants?.(tenants, end))
  const calledOff = tallyOf('calledOff')
  const takenBack = tallyOf('takenBack')
  const forward = tallyOf('forward')
  if (options.dryRun) {
    for await (const page of pagesOf(at.control, some, isOpen)) {
      const isOff = ({ epoch }: BriefMove) => isOrphaned || epoch === null
      calledOff.add(page.filter((move) => stops(move) && isOff(move)))
      takenBack.add(page.filter((move) => stops(move) && !isOff(move)))
      forward.add(page.filter((move) => !stops(move)))
    }
  } else {
    await at.queues.ready()
    const { by, reason } = options
    const how = { by, reason, code: 'CANCELLED', isOrphaned } as const
    const stopped = {
      get count() {
        return calledOff.count + takenBack.count
      },
    }
    const tellRun = async () => {
      const data = { calledOff: calledOff.count, takenBack: takenBack.count }
      await tell(at, run, { by, reason, kind: 'cancelled', data })
    }
    await halfway(stopped, async () => {
      for await (const page of callOff(at.control, some, how)) calledOff.add(page)
      // Moves that have begun and are not cut over, as each of them stands when it is asked.
      for await (const page of pagesOf(at.control, some, isStoppable)) {
        const hasJob = takenBack.count < pageSize
        const moves = await askPage(at.control, page, { ...withdrawalOf({ by, reason }), hasJob })
        takenBack.add(moves)
        await ensureJobs(at.queues, withJob(moves), { run })
      }
    }).catch(async (error: unknown) => {
      // The run shows what was done. Where this fails as well, the error is the same.
      if (stopped.count > 0) await tellRun().catch(() => {})
      throw error
    })
    if (takenBack.count > pageSize) await feed(at, run.id)
    for await (const page of pagesOf(at.control, some, isOpenMove)) forward.add(page)
    await tellRun()
  }
  return { calledOff: calledOff.get(), takenBack: takenBack.get(), forward: forward.get() }
}

function stops({ errand, phase }: BriefMove): boolean {
  return errand !== 'move' || beforeCutover.includes(phase)
}

/** NOT_ALLOWED_NOW: tenants are named, and none of their moves is open. */
async function refuseNoneOpen(
  control: Control,
  some: Some,
  isOpen: Expression<SqlBool>,
): Promise<void> {
  if (!some.tenants) return
  for await (const _ of pagesOf(control, some, isOpen)) return
  for await (const [move] of pagesOf(control, some, sql`true`)) {
    if (move) throw notNow(move, 'only an open move can be called off')
  }
}

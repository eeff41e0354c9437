/** Errands of tenants of a run: asked for in the control database first, then in the queue. */
import { type Asker, askOf, askPage, askWindow, withJob } from '../control/ask.ts'
import type { Control, Move } from '../control/database.ts'
import { type BriefMove, pageSize, type Reached, Tally } from '../control/run-moves.ts'
import { findRun } from '../control/runs/runs.ts'
import { type AskedErrand, askedErrands } from '../errands.ts'
import { messageOf } from '../errors.ts'
import { recordOf } from '../known.ts'
import { ensureJob } from '../queue/jobs.ts'
import { ensureJobs } from '../queue/limits.ts'
import type { Queues } from '../queue/queues.ts'
import {
  chosenFor,
  type ErrandOptions,
  halfway,
  nothingToRollBack,
  notNow,
  rules,
} from './errand-choice.ts'
import { feed } from './fleet/feed.ts'

interface At {
  readonly control: Control
  readonly queues: Queues
}

export interface RollbackOptions extends ErrandOptions {
  readonly discardWrites?: boolean | undefined
  /** Called for each named tenant that is passed over, with the reason in a sentence. */
  readonly onPassedOver?: ((tenant: string, reason: string) => void) | undefined
}

type Asked<Options extends ErrandOptions = ErrandOptions> = Omit<Options, 'by'> & { by?: string }

/** A method for each errand that a person asks for. */
export interface Asking {
  /** Without tenants: every failed one. Returns the tenants that are tried again. */
  retry(runId: string, options?: Asked): Promise<Reached>
  /**
   * Returns the tenants that are rolled back. A tenant whose move had changed nothing is where it
   * was: among others it is passed over. Where there are no others, it is NOT_ALLOWED_NOW.
   */
  rollback(runId: string, options: Asked<RollbackOptions>): Promise<Reached>
  /** Ends the rollback window of moved tenants before its time. */
  finalize(runId: string, options: Asked): Promise<Reached>
  cleanup(runId: string, options: Asked): Promise<Reached>
}

export function askingOf({ by, ...at }: At & Pick<Asker, 'by'>): Asking {
  return recordOf(
    askedErrands,
    (errand) =>
      async (runId: string, options: Asked<RollbackOptions> = {}) =>
        await askFor(at, errand, { by, ...options, runId }),
  )
}

/**
 * Asks for the errand of a page of tenants in one statement. The first page gets its jobs at once,
 * and all others wait for the feeder. Returns the tenants for which it was asked. Where it fails
 * halfway, the error tells how many those are. Repeated, it goes on with the rest; a `limit` counts
 * anew.
 */
export async function askFor(
  at: At,
  errand: AskedErrand,
  options: RollbackOptions & { readonly runId: string },
): Promise<Reached> {
  const choice = await chosenFor(at.control, errand, options)
  const { run, isStrict } = choice
  const surveyed = new Tally(options.dryRun ? options.onTenants : undefined)
  const spared: BriefMove[] = []
  await choice.survey(({ moves, passedOver }) => {
    surveyed.add(moves)
    if (isStrict) spared.push(...passedOver)
  })
  for (const move of spared) {
    options.onPassedOver?.(move.tenant_id, messageOf(nothingToRollBack(move)))
  }
  if (options.dryRun || surveyed.count === 0) return surveyed.get()
  const ask = askOf(errand, options)
  const refusal = (move: BriefMove) => notNow(move, rules[errand].otherwise)
  const reached = new Tally(options.onTenants)
  await at.queues.ready()
  await halfway(reached, async () => {
    for await (const { moves } of choice.pages()) {
      if (moves.length === 0) continue
      const hasJob = reached.count < pageSize
      const how = { ...ask, hasJob, ...(isStrict && { refusal }) }
      const page = await askPage(at.control, moves, how)
      reached.add(page)
      await ensureJobs(at.queues, withJob(page), { run })
    }
  })
  if (reached.count > pageSize) await feed(at, run.id)
  return reached.get()
}

/** Asks for audits of these moves, unless another errand has begun with them. */
export async function audit(at: At, moves: readonly Move[], by: string): Promise<void> {
  for (const move of moves) {
    // Another run may be busy with the tenant: then this one can wait.
    const open = await askWindow(at.control, move.id, { errand: 'audit', by }).catch(() => null)
    const run = open && (await findRun(at.control, move.run_id))
    if (run) await ensureJob(at.queues, open, { run })
  }
}

/**
 * Checks of the plan's own between waves: a function decides whether the next one may begin. A
 * worker that has the plan asks it, and its last answer is stored with the run.
 */
import type { Control, Run } from '../../control/database.ts'
import { claimCheck, storeCheck, wavesOf } from '../../control/waves.ts'
import { messageOf } from '../../errors.ts'
import type { Plan } from '../../plan/plan.ts'
import type { RunWave } from '../../plan/waves.ts'

export interface KnownPlan {
  readonly plan: Plan
  readonly fingerprint: string
}

/** Time between two questions; a check that has not answered by then is asked anew. */
const everyMs = 10_000
const answerMs = 8_000

/**
 * Asks the check of the run's wave, unless it was asked lately or another worker has the plan. Its
 * answer comes later, and is stored: the look after all runs does not wait for it.
 */
export async function beginCheck(
  { control, plans = [] }: { control: Control; plans?: readonly KnownPlan[] | undefined },
  run: Run,
): Promise<void> {
  const wave = wavesOf(run)?.[run.wave - 1]
  const match = plans.find(({ fingerprint }) => fingerprint === run.plan_fingerprint)
  if (!wave || !match || !(await claimCheck(control, run, everyMs))) return
  const stored = reasonOf(match.plan, run, wave).then((reason) => storeCheck(control, run, reason))
  // Where it cannot be stored it is asked again.
  stored.catch(() => {})
}

/** null: the next wave may begin. */
async function reasonOf({ waves = [] }: Plan, run: Run, wave: RunWave): Promise<string | null> {
  const check = waves[wave.check ?? -1]?.gates?.check
  if (!check) return 'the plan of this worker has no such check: run it with the plan as it was'
  const { name, tenants } = wave
  const signal = AbortSignal.timeout(answerMs)
  const late = new Promise<string>((resolve) => {
    const giveUp = () => resolve(`no answer within ${answerMs / 1000} s`)
    signal.addEventListener('abort', giveUp, { once: true })
  })
  try {
    const question = { runId: run.id, wave: run.wave, name, tenants, signal }
    const answer: unknown = await Promise.race([check(question), late])
    if (answer === true) return null
    return typeof answer === 'string' && answer !== '' ? answer.slice(0, 500) : 'no'
  } catch (error) {
    return messageOf(error).slice(0, 500)
  }
}

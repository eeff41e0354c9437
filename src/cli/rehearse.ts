import { userInfo } from 'node:os'
import type { Command } from 'commander'
import { storeRehearsal } from '../coordinator/enqueue.ts'
import { closeEnds, openEnds } from '../coordinator/installation.ts'
import type { Rehome } from '../coordinator/rehome.ts'
import type { Ends } from '../ends/end.ts'
import { RehomeError } from '../errors.ts'
import { createLog } from '../log.ts'
import { checkPlan, fingerprintOf } from '../plan/check-plan.ts'
import type { Plan, PlanInput } from '../plan/plan.ts'
import { attempt, type Outcome } from '../worker/attempt.ts'
import { jsonText, note, print, withRehome } from './context.ts'
import { loadPlan } from './load-plan.ts'

export function addRehearse(program: Command): void {
  program
    .command('rehearse <plan>')
    .description(
      'copy, transform and compare a tenant while it goes on writing, without a fence, and remove all of it again',
    )
    .requiredOption('-t, --tenant <id>', 'which tenant')
    .option('--json', 'as JSON')
    .action(rehearse)
}

interface RehearseFlags {
  readonly tenant: string
  readonly json?: boolean
}

async function rehearse(file: string, flags: RehearseFlags): Promise<void> {
  const plan = await loadPlan(file)
  await withRehome(async (rehome) => {
    const { outcome, budgetMs } = await rehearsed(rehome, plan, flags.tenant)
    if (outcome.kind === 'nothing to do') {
      throw new RehomeError('MOVE_TAKEN_OVER', 'a worker goes on with this rehearsal')
    }
    if (outcome.kind === 'failed') throw outcome.error
    if (flags.json) return print(jsonText(outcome.evidence, 2))
    for (const line of linesOf(outcome.evidence, budgetMs)) print(line)
  })
}

async function rehearsed(
  rehome: Rehome,
  input: PlanInput,
  tenant: string,
): Promise<{ outcome: Outcome; budgetMs: number }> {
  const plan = checkPlan(input)
  const ends = openEnds(plan, process.env)
  const stop = new AbortController()
  const end = () => stop.abort()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, end)
  try {
    const by = userInfo().username
    const { moveId } = await storeRehearsal(rehome, { plan, ends }, { tenant, by })
    const outcome = await attempt({ ...optionsOf(rehome, plan, ends), moveId, stop: stop.signal })
    return { outcome, budgetMs: plan.pause.budgetMs }
  } finally {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, end)
    await closeEnds(ends)
  }
}

function optionsOf({ control }: Rehome, plan: Plan, ends: Ends) {
  return {
    control,
    plans: [{ plan, fingerprint: fingerprintOf(plan), ends }],
    errand: 'rehearse',
    log: createLog({ level: 'silent' }),
    report: () => {},
    tell: (line: string) => note(line),
  } as const
}

interface Rehearsal {
  readonly rows: number
  readonly copyMs: number
  readonly verifyMs: number
  readonly rowsPerS: number
  readonly predictedPauseMs: number
}

function linesOf(evidence: Record<string, unknown>, budgetMs: number): string[] {
  const { rows, copyMs, verifyMs, rowsPerS, predictedPauseMs } = evidence.rehearsal as Rehearsal
  const fits = predictedPauseMs <= budgetMs ? 'within' : 'over'
  return [
    `${rows} rows copied in ${copyMs} ms (${rowsPerS} rows/s), compared in ${verifyMs} ms: equal`,
    `predicted pause ${predictedPauseMs} ms, ${fits} pause.budgetMs = ${budgetMs}`,
    'nothing is left of it at the target',
  ]
}

import { userInfo } from 'node:os'
import type { Command } from 'commander'
import { survey } from '../checks/survey.ts'
import type { Evidence } from '../control/database.ts'
import { storeRehearsal } from '../coordinator/enqueue.ts'
import { openEnds } from '../coordinator/installation.ts'
import type { Library } from '../coordinator/rehome.ts'
import { endsOf, type PlanEnds } from '../ends/end.ts'
import { RehomeError } from '../errors.ts'
import { known } from '../known.ts'
import { createLog } from '../log.ts'
import { checkPlan, fingerprintOf } from '../plan/check-plan.ts'
import type { Plan, PlanInput } from '../plan/plan.ts'
import { attempt, type Outcome } from '../worker/attempt.ts'
import { jsonText, note, print, withRehome } from './context.ts'
import { loadPlan } from './load-plan.ts'
import { step } from './next-steps.ts'
import { safe } from './print.ts'
import { stopSignal } from './until-stopped.ts'

export function addRehearse(program: Command): void {
  program
    .command('rehearse <plan>')
    .description(
      'copy and compare a tenant without a fence while it goes on writing; then remove the copy',
    )
    .requiredOption('-t, --tenant <id>', 'which tenant')
    .option('--dry-run', 'only show what would be copied from where to where')
    .option('--json', 'as JSON')
    .action(rehearse)
}

interface RehearseFlags {
  readonly tenant: string
  readonly dryRun?: boolean
  readonly json?: boolean
}

async function rehearse(file: string, flags: RehearseFlags): Promise<void> {
  const plan = await loadPlan(file)
  if (flags.dryRun) return await sayOnly(file, checkPlan(plan), flags)
  await withRehome(async (rehome) => {
    const { outcome, budgetMs } = await rehearsed(rehome, plan, flags.tenant)
    if (outcome.kind === 'nothing to do' || outcome.kind === 'held') {
      throw new RehomeError('MOVE_TAKEN_OVER', 'a worker goes on with this rehearsal')
    }
    if (outcome.kind === 'failed') throw outcome.error
    const nextSteps = [step('enqueue', file, '--tenant', flags.tenant)]
    if (flags.json) return print(jsonText({ ...outcome.evidence, nextSteps }, 2))
    for (const line of linesOf(outcome.evidence, budgetMs)) print(line)
  })
}

/** Reads what the ends are, and nothing of the tenant. */
async function sayOnly(file: string, plan: Plan, { tenant, json }: RehearseFlags): Promise<void> {
  await using ends = openEnds(plan, process.env)
  const own = endsOf(ends, tenant)
  const { source, target } = own
  const tables = (await survey(plan, own)).routes.map(({ target: to }) => to.name)
  const nextSteps = [step('rehearse', file, '--tenant', tenant)]
  const between = { source: source.place, target: target.place }
  if (json) return print(jsonText({ tenant, ...between, tables, nextSteps }, 2))
  const who = `tenant ${safe(JSON.stringify(tenant), 200)}`
  print(
    `would copy ${who} from ${source.place} to ${target.place}, which is closed for it meanwhile`,
  )
  print(`would compare ${tables.length} table(s), and remove all of it again: ${tables.join(', ')}`)
}

async function rehearsed(
  rehome: Library,
  input: PlanInput,
  tenant: string,
): Promise<{ outcome: Outcome; budgetMs: number }> {
  const plan = checkPlan(input)
  await using ends = openEnds(plan, process.env)
  const by = userInfo().username
  const { moveId } = await storeRehearsal(rehome, { plan, ends }, { tenant, by })
  const outcome = await attempt({ ...optionsOf(rehome, plan, ends), moveId, stop: stopSignal() })
  return { outcome, budgetMs: plan.pause.budgetMs }
}

function optionsOf({ control }: Library, plan: Plan, ends: PlanEnds) {
  return {
    control,
    plans: [{ plan, fingerprint: fingerprintOf(plan), ends }],
    errand: 'rehearse',
    log: createLog({ level: 'silent' }),
    report: () => {},
    tell: (line: string) => note(line),
  } as const
}

function linesOf(evidence: Evidence, budgetMs: number): string[] {
  const {
    rows,
    copyMs,
    verifyMs = 0,
    rowsPerS = 0,
    predictedPauseMs = 0,
  } = known(evidence.rehearsal)
  const fits = predictedPauseMs <= budgetMs ? 'within' : 'over'
  return [
    `${rows} rows copied in ${copyMs} ms (${rowsPerS} rows/s), compared in ${verifyMs} ms: equal`,
    `predicted pause ${predictedPauseMs} ms, ${fits} pause.budgetMs = ${budgetMs}`,
    'nothing is left of it at the target',
  ]
}

import type { Command } from 'commander'
import type { Rehome } from '../coordinator/rehome.ts'
import { RehomeError } from '../errors.ts'
import type { PlanInput } from '../plan/plan.ts'
import { jsonText, print, withRehome } from './context.ts'
import { explainPlan, printExplanation } from './explain.ts'
import { bytesIn, tenantsTexts } from './fleet/check-all.ts'
import { loadPlan } from './load-plan.ts'
import { step } from './next-steps.ts'

export function addCheck(program: Command): void {
  program
    .command('check <plan>')
    .description('list everything that prevents a move; changes nothing')
    .option('--explain', 'also show how each table of the source belongs to tenants')
    .option('--all', 'also look at every tenant: rows, what is in its way, predicted times, disk')
    .option('--target-free <size>', 'with --all: what is free at the target, e.g. 200GB', bytesIn)
    .option('--json', 'as JSON')
    .action(check)
}

interface CheckFlags {
  readonly json?: boolean
  readonly explain?: boolean
  readonly all?: boolean
  readonly targetFree?: number
}

async function lookAt(rehome: Rehome, plan: PlanInput, { all, targetFree }: CheckFlags) {
  const { findings, ...about } = await rehome.review(plan)
  // Tenants of a plan that does not fit its ends cannot be looked at.
  const looks = all && findings.length === 0
  const tenants = looks ? await rehome.checkTenants(plan, { targetFree }) : undefined
  return {
    findings: [...findings, ...(tenants?.findings ?? [])],
    isPlan: findings.length > 0,
    ...about,
    ...(tenants && { tenants }),
  }
}

async function check(file: string, options: CheckFlags): Promise<void> {
  if (options.targetFree !== undefined && !options.all) {
    throw new RehomeError('USAGE', '--target-free is about all tenants: add --all')
  }
  const plan = await loadPlan(file)
  const { isPlan, ...looked } = await withRehome((rehome) => lookAt(rehome, plan, options))
  const { findings, oneWay, unproven, notes, exposed, tenants } = looked
  const explanation = options.explain ? await explainPlan(plan) : undefined
  const all = { plan: plan.name, ...looked, ...(explanation && { explanation }) }
  if (explanation && !options.json) printExplanation(explanation)
  const nextSteps = findings.length > 0 ? [] : [step('rehearse', file, '--tenant', 'TENANT')]
  if (options.json) print(jsonText({ ...all, nextSteps }, 2))
  else {
    for (const text of tenants ? tenantsTexts(tenants) : []) print(text)
    for (const { where, message } of findings) print(`${where}: ${message}`)
  }
  if (findings.length > 0) {
    const what = isPlan ? 'no tenant can move yet' : 'the other tenants can move'
    throw new RehomeError('PREFLIGHT_FAILED', `${findings.length} finding(s); ${what}`)
  }
  if (options.json) return
  print(`plan "${plan.name}" fits both ends`)
  for (const { where, message } of notes) print(`note, ${where}: ${message}`)
  for (const { where, message } of unproven) print(`not proven at the ${where}: ${message}`)
  for (const { where, message } of exposed) print(`advice for the ${where}: ${message}`)
  for (const { where, message } of oneWay) print(`a rollback loses writes to ${where}: ${message}`)
}

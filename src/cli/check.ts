import type { Command } from 'commander'
import { RehomeError } from '../errors.ts'
import { jsonText, print, withRehome } from './context.ts'
import { explainPlan, printExplanation } from './explain.ts'
import { loadPlan } from './load-plan.ts'

export function addCheck(program: Command): void {
  program
    .command('check <plan>')
    .description('list everything that prevents a move; changes nothing')
    .option('--explain', 'also say of each table of the source how it belongs to tenants')
    .option('--json', 'as JSON')
    .action(check)
}

async function check(file: string, options: { json?: boolean; explain?: boolean }): Promise<void> {
  const plan = await loadPlan(file)
  const { findings, oneWay, unproven, notes, exposed } = await withRehome(async (rehome) => ({
    findings: await rehome.check(plan),
    oneWay: await rehome.oneWayTables(plan),
    unproven: await rehome.unproven(plan),
    notes: await rehome.notes(plan),
    exposed: await rehome.exposed(plan),
  }))
  const explanation = options.explain ? await explainPlan(plan) : undefined
  const all = {
    plan: plan.name,
    findings,
    oneWay,
    unproven,
    notes,
    exposed,
    ...(explanation && { explanation }),
  }
  if (explanation && !options.json) printExplanation(explanation)
  if (options.json) print(jsonText(all, 2))
  else for (const { where, message } of findings) print(`${where}: ${message}`)
  if (findings.length > 0) {
    throw new RehomeError(
      'PREFLIGHT_FAILED',
      `${findings.length} finding(s); no tenant can move yet`,
    )
  }
  if (options.json) return
  print(`plan "${plan.name}" fits both ends`)
  for (const { where, message } of notes) print(`note, ${where}: ${message}`)
  for (const { where, message } of unproven) print(`not proven at the ${where}: ${message}`)
  for (const { where, message } of exposed) print(`advice for the ${where}: ${message}`)
  for (const { where, message } of oneWay) print(`a rollback loses writes to ${where}: ${message}`)
}

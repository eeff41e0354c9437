import type { Command } from 'commander'
import { closeEnds, openEnds, pendingInstallations } from '../coordinator/installation.ts'
import { RehomeError } from '../errors.ts'
import { checkPlan } from '../plan/check-plan.ts'
import { createPool } from '../postgres.ts'
import { print } from './context.ts'
import { loadPlans } from './load-plan.ts'
import { namedPlans } from './worker.ts'

export function addInit(program: Command): void {
  program
    .command('init [plans...]')
    .description(
      'install or upgrade the control database, and the fence at the ends of the plans, which default to REHOME_PLANS',
    )
    .option('--sql', 'only print what would be run')
    .option('--dry-run', 'only print what would be done')
    .action(init)
}

/** Does nothing, and writes nothing, when nothing is pending. */
async function init(files: string[], options: { sql?: boolean; dryRun?: boolean }): Promise<void> {
  const controlUrl = process.env.CONTROL_URL
  if (!controlUrl) throw new RehomeError('SETTING_MISSING', 'CONTROL_URL is not set')
  const plans = (await loadPlans(namedPlans(files))).map(checkPlan)
  const opened = plans.map((plan) => ({ plan, ends: openEnds(plan, process.env) }))
  const pool = createPool({ url: controlUrl, name: 'control', size: 2 })
  const settings = { controlUrl, redisUrl: process.env.REDIS_URL, environment: process.env }
  try {
    const steps = await pendingInstallations(settings, pool, opened)
    for (const step of steps) {
      if (options.sql) print(`-- ${step.what}\n${step.sql}\n`)
      else print(`${options.dryRun ? 'would install' : 'installing'} ${step.what}`)
      if (!options.sql && !options.dryRun) await step.run()
    }
    if (steps.length === 0) print('nothing is pending')
  } finally {
    await Promise.all([pool.end(), ...opened.map(({ ends }) => closeEnds(ends))])
  }
}

import type { Command } from 'commander'
import { closeEnds, openEnds, pendingInstallations } from '../coordinator/installation.ts'
import { RehomeError } from '../errors.ts'
import { checkPlan } from '../plan/check-plan.ts'
import { createPool } from '../postgres.ts'
import { jsonText, print } from './context.ts'
import { loadPlans } from './load-plan.ts'
import { step } from './next-steps.ts'
import { namedPlans } from './worker.ts'

export function addInit(program: Command): void {
  program
    .command('init [plans...]')
    .description(
      'install or upgrade the control database and the fences at the ends (default: of REHOME_PLANS)',
    )
    .option(
      '--guards',
      'also guards that stand only while tenants move; they stay until `rehome uninstall --guards`',
    )
    .option('--sql', 'only print what would be run')
    .option('--dry-run', 'only print what would be done')
    .option('--json', 'as JSON')
    .action(init)
}

interface InitFlags {
  readonly guards?: boolean
  readonly sql?: boolean
  readonly dryRun?: boolean
  readonly json?: boolean
}

/** Does nothing, and writes nothing, when nothing is pending. */
async function init(files: string[], flags: InitFlags): Promise<void> {
  const controlUrl = process.env.CONTROL_URL
  if (!controlUrl) throw new RehomeError('SETTING_MISSING', 'CONTROL_URL is not set')
  const named = namedPlans(files)
  const plans = (await loadPlans(named)).map(checkPlan)
  const opened = plans.map((plan) => {
    return { plan, ends: openEnds(plan, process.env), keepsGuards: flags.guards }
  })
  const pool = createPool({ url: controlUrl, name: 'control', size: 2 })
  const settings = { controlUrl, redisUrl: process.env.REDIS_URL, environment: process.env }
  try {
    const steps = await pendingInstallations(settings, pool, opened)
    for (const step of steps) await install(step, flags)
    // A worker may have taken guards away until they were kept.
    if (!flags.sql && !flags.dryRun && steps.some(({ isFirst }) => isFirst)) {
      const later = await pendingInstallations(settings, pool, opened)
      for (const step of later) await install(step, flags)
      steps.push(...later)
    }
    if (flags.json) print(jsonText(outcomeOf(steps, named, flags), 2))
    else if (steps.length === 0) print('nothing is pending')
  } finally {
    await Promise.all([pool.end(), ...opened.map(({ ends }) => closeEnds(ends))])
  }
}

type Pending = Awaited<ReturnType<typeof pendingInstallations>>[number]

async function install(pending: Pending, { sql, dryRun, json }: InitFlags): Promise<void> {
  if (sql && !json) print(`-- ${pending.what}\n${pending.sql}\n`)
  else if (!json) print(`${dryRun ? 'would install' : 'installing'} ${pending.what}`)
  if (!sql && !dryRun) await pending.run()
}

function outcomeOf(steps: readonly Pending[], files: readonly string[], flags: InitFlags) {
  const list = steps.map(({ what, sql }) => (flags.sql ? { what, sql } : { what }))
  if (flags.sql || flags.dryRun) {
    return { pending: list, nextSteps: steps.length > 0 ? [step('init', ...files)] : [] }
  }
  return { installed: list, nextSteps: files.map((file) => step('check', file)) }
}

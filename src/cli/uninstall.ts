import type { Command } from 'commander'
import { closeControl } from '../control/database.ts'
import { runsThatNeedGuards } from '../control/guarded-runs.ts'
import {
  closeEnds,
  openEnds,
  openInstalledControl,
  sqlEndsOf,
} from '../coordinator/installation.ts'
import type { SqlEnd } from '../ends/end.ts'
import {
  endKeeping,
  passingGuards,
  type Removal,
  takeGuardsAway,
} from '../ends/postgres/fence/passing-guards.ts'
import {
  fenceIsInstalled,
  standingFlags,
  uninstallFence,
} from '../ends/postgres/fence/uninstall.ts'
import { firstFew, RehomeError } from '../errors.ts'
import { checkPlan } from '../plan/check-plan.ts'
import type { Plan } from '../plan/plan.ts'
import { jsonText, print } from './context.ts'
import { loadPlan } from './load-plan.ts'
import { step } from './next-steps.ts'

export function addUninstall(program: Command): void {
  program
    .command('uninstall <plan>')
    .description('remove the fence from the ends of the plan; the control database stays')
    .option('--guards', 'only remove guards that stand while tenants move, and that no run needs')
    .option('--dry-run', 'only print what would be removed')
    .option('--force', 'although tenants are closed there: they become writable at both ends')
    .option('--json', 'as JSON')
    .action(uninstall)
}

interface UninstallFlags {
  readonly guards?: boolean
  readonly dryRun?: boolean
  readonly force?: boolean
  readonly json?: boolean
}

async function uninstall(file: string, flags: UninstallFlags): Promise<void> {
  const plan = checkPlan(await loadPlan(file))
  if (flags.guards) return await uninstallGuards(plan, file, flags)
  await using ends = openEnds(plan, process.env)
  const tell = (line: string) => flags.json || print(line)
  const fenced: SqlEnd[] = []
  for (const { name, place, sql, places } of [ends.source, ends.target]) {
    if (!sql && !places) tell(`the ${name} (${place}) is uninstalled where it runs`)
  }
  for await (const sql of sqlEndsOf(plan, ends)) {
    const { name, place } = sql
    if (await fenceIsInstalled(sql)) fenced.push(sql)
    else tell(`the ${name} (${place}) has no fence`)
  }
  const closed = flags.force ? Number.POSITIVE_INFINITY : 0
  // Nothing is removed at one end where the other is still needed.
  for (const end of fenced) refuseNeeded(end, await standingFlags(end), closed)
  for (const end of fenced) {
    tell(`${flags.dryRun ? 'would remove' : 'removing'} the fence of ${end.name} ${end.place}`)
    if (!flags.dryRun) refuseNeeded(end, await uninstallFence(end, closed), closed)
  }
  if (flags.json) print(outcomeText(fenced, file, flags))
}

/** The fence stays: a run that comes later installs the guards that it needs. */
async function uninstallGuards(
  plan: Plan,
  file: string,
  { dryRun, json }: UninstallFlags,
): Promise<void> {
  const { control } = await openInstalledControl(controlUrl())
  const ends = openEnds(plan, process.env)
  const tell = (line: string) => json || print(line)
  try {
    const answers: GuardsAnswer[] = []
    for await (const { name, place, pool } of sqlEndsOf(plan, ends)) {
      const standing = (await passingGuards(pool)).map(({ relation }) => relation)
      if (dryRun) {
        answers.push({ end: name, place, guards: standing })
        tell(`would remove ${standing.length} guards of ${name} ${place} that no run needs`)
        continue
      }
      await endKeeping(pool)
      const removal = await takeGuardsAway(pool, (runs) => runsThatNeedGuards(control, runs))
      answers.push({ end: name, place, ...removal })
      tell(`${name} ${place}: ${removalText(removal)}`)
    }
    const nextSteps = dryRun ? [step('uninstall', file, '--guards')] : []
    if (json) print(jsonText({ ends: answers, nextSteps }, 2))
  } finally {
    await Promise.all([closeEnds(ends), closeControl(control)])
  }
}

interface GuardsAnswer extends Partial<Removal> {
  readonly end: string
  readonly place: string
  /** Tables with such guards. */
  readonly guards?: readonly string[]
}

function removalText({ removed, busy, runs, flags }: Removal): string {
  const kept = [
    ...(runs.length > 0 ? [`run ${runs[0]} needs the guards`] : []),
    ...(flags > 0 ? [`${flags} tenants are fenced or logged there`] : []),
    ...(busy.length > 0 ? [`in use, so run it again: ${firstFew(busy)}`] : []),
  ]
  return [`removed the guards of ${removed.length} tables`, ...kept].join('; ')
}

function controlUrl(): string {
  const url = process.env.CONTROL_URL
  if (url) return url
  throw new RehomeError('SETTING_MISSING', 'CONTROL_URL is not set')
}

function outcomeText(fenced: readonly SqlEnd[], file: string, { dryRun }: UninstallFlags): string {
  const fences = fenced.map(({ name, place }) => ({ end: name, place }))
  if (!dryRun) return jsonText({ removed: fences, nextSteps: [] }, 2)
  return jsonText({ fences, nextSteps: fences.length > 0 ? [step('uninstall', file)] : [] }, 2)
}

function refuseNeeded(end: SqlEnd, standing: number, closed: number): void {
  if (standing <= closed) return
  const message = `${standing} tenant(s) are closed at the ${end.name}, their changes are logged there, or rows of theirs stayed behind in rehome.quarantine: without the fence they would be writable at both ends; roll back or use --force`
  throw new RehomeError('NOT_ALLOWED_NOW', message)
}

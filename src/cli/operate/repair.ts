import type { Command } from 'commander'
import type { Repairs } from '../../coordinator/doctor/repair.ts'
import { durationMs } from '../../duration.ts'
import { jsonText, print, withRehome } from '../context.ts'
import { loadPlans } from '../load-plan.ts'
import { step } from '../next-steps.ts'
import { safe } from '../print.ts'
import { namedPlans } from '../worker.ts'

interface RepairFlags {
  readonly apply?: boolean
  readonly olderThan: number
  readonly json?: boolean
}

export function addRepair(program: Command): void {
  program
    .command('repair [plans...]')
    .description(
      'mend findings of the doctor where that can lose no data and open no home; see --apply',
    )
    .option('--apply', 'do it (default: only show what would be done)')
    .option('--dry-run', 'only show what would be done: the default')
    .option('--older-than <time>', 'idle transactions and untouched moves', durationMs, 60_000)
    .option('--json', 'as JSON')
    .action(repair)
}

/** The exit code is 3 where something is left, or would be. */
async function repair(files: string[], flags: RepairFlags & { dryRun?: boolean }): Promise<void> {
  const plans = await loadPlans(namedPlans(files))
  const options = { apply: Boolean(flags.apply && !flags.dryRun), oldS: flags.olderThan / 1000 }
  const done = await withRehome((rehome) => rehome.repair(plans, options))
  if (done.left.length > 0 || (!done.applied && done.repairs.length > 0)) process.exitCode = 3
  const apply =
    !done.applied && done.repairs.length > 0 ? [step('repair', ...files, '--apply')] : []
  const nextSteps = [...apply, ...new Set(done.left.map(({ finding }) => finding.mend))]
  print(flags.json ? jsonText({ ...done, nextSteps }, 2) : repairsText(done))
}

function repairsText({ applied, repairs, left }: Repairs): string {
  const verb = applied ? 'done' : 'would be done'
  const line = ({ kind, where, message }: Repairs['left'][number]['finding']) =>
    `${kind} · ${safe(where, 300)}\n  ${safe(message, 2000)}`
  const lines = [
    ...repairs.map(({ finding, what }) => `${line(finding)}\n  ${verb}: ${what}`),
    ...left.map(
      ({ finding, why }) => `${line(finding)}\n  left: ${why}\n  → ${safe(finding.mend, 2000)}`,
    ),
  ]
  const hint = !applied && repairs.length > 0 ? '; add --apply to do it' : ''
  return [...lines, `${repairs.length} ${verb}, ${left.length} left${hint}`].join('\n')
}

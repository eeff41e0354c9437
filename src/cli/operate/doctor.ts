import type { Command } from 'commander'
import { durationMs } from '../../duration.ts'
import { jsonText, print, withRehome } from '../context.ts'
import { loadPlans } from '../load-plan.ts'
import { step } from '../next-steps.ts'
import { safe } from '../print.ts'
import { namedPlans } from '../worker.ts'

export function addDoctor(program: Command): void {
  program
    .command('doctor [plans...]')
    .description('find what prevents moves, and show how to mend it; changes nothing')
    .option('--older-than <time>', 'idle transactions and untouched moves', durationMs, 60_000)
    .option('--json', 'as JSON')
    .action(doctor)
}

/** The exit code is 3 where something was found. */
async function doctor(
  files: string[],
  flags: { olderThan: number; json?: boolean },
): Promise<void> {
  const plans = await loadPlans(namedPlans(files))
  const diagnoses = await withRehome((rehome) =>
    rehome.diagnose(plans, { oldS: flags.olderThan / 1000 }),
  )
  if (diagnoses.length > 0) process.exitCode = 3
  const nextSteps = diagnoses.length === 0 ? [] : [step('repair', ...files), ...mendsOf(diagnoses)]
  if (flags.json) return print(jsonText({ findings: diagnoses, nextSteps }, 2))
  for (const { kind, where, message, mend } of diagnoses) {
    print(`${kind} · ${safe(where, 300)}\n  ${safe(message, 2000)}\n  → ${safe(mend, 2000)}`)
  }
  const ends = plans.length === 0 ? ' (no plan was named, so the ends were not looked at)' : ''
  print(
    diagnoses.length === 0 ? `nothing was found${ends}` : `${diagnoses.length} finding(s)${ends}`,
  )
}

function mendsOf(diagnoses: readonly { readonly mend: string }[]): string[] {
  return [...new Set(diagnoses.map(({ mend }) => mend))]
}

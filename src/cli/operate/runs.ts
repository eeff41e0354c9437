import type { Command } from 'commander'
import { number } from '../../numbers.ts'
import { atLeastOne, jsonText, print, withRehome } from '../context.ts'
import { step } from '../next-steps.ts'
import { phasesText, safe, tableText } from '../print.ts'

export function addRuns(program: Command): void {
  program
    .command('runs')
    .description('list the runs, newest first')
    .option('-n, --limit <runs>', 'how many', atLeastOne, 20)
    .option('--before <run>', 'those that were enqueued before this one')
    .option('--json', 'as JSON')
    .action(runs)
}

async function runs(flags: { limit: number; before?: string; json?: boolean }): Promise<void> {
  const { limit, before } = flags
  const list = await withRehome((rehome) => rehome.runs({ limit, before }))
  const last = list.at(-1)
  const older = last && list.length === limit ? [step('runs', '--before', last.id)] : []
  if (flags.json) return print(jsonText({ runs: list, nextSteps: older }, 2))
  const rows = list.map((run) => [
    run.id,
    run.created_at.toISOString().slice(0, 19).replace('T', ' '),
    safe(run.created_by, 20),
    number(run.moves),
    number(run.open),
    `${phasesText(run.phases)}${run.paused === null ? '' : ', paused'}`,
  ])
  print(tableText([['run', 'enqueued (UTC)', 'by', 'tenants', 'open', 'phases'], ...rows]))
  for (const command of older) print(`older ones: ${command}`)
}

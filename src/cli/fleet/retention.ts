/** The command that sets how long events are kept. */
import type { Command } from 'commander'
import { durationMs } from '../../duration.ts'
import { jsonText, print, withRehome } from '../context.ts'
import { safe } from '../print.ts'

export function addRetention(program: Command): void {
  program
    .command('retention [time]')
    .description(
      'set how long events of ended runs are kept, such as 90d; `none` keeps them for good',
    )
    .option('--dry-run', 'only list the runs whose events would be removed')
    .option('--json', 'as JSON')
    .action(retention)
}

interface Flags {
  readonly dryRun?: boolean
  readonly json?: boolean
}

async function retention(text: string | undefined, { dryRun, json }: Flags): Promise<void> {
  const [keepMs, runs] = await withRehome(async (rehome) => {
    const now = await rehome.retentionMs()
    const ms = text === undefined ? now : text === 'none' ? null : durationMs(text)
    const isRead = text === undefined || dryRun
    return [ms, await rehome.keepEvents(ms, { dryRun: isRead })] as const
  })
  if (json) return print(jsonText({ keepMs, runs, nextSteps: [] }))
  print(keepMs === null ? 'events are kept' : `events are kept for ${keepMs / 86_400_000} days`)
  for (const run of runs) print(`to be removed: those of run ${safe(run)}`)
}

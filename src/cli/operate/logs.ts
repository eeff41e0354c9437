import type { Command } from 'commander'
import { sleep } from '../../clock.ts'
import type { MoveEvent } from '../../control/database.ts'
import { jsonText, print, withRehome } from '../context.ts'
import { safe } from '../print.ts'

export function addLogs(program: Command): void {
  program
    .command('logs <run> <tenant>')
    .description("what happened in one tenant's move, oldest first")
    .option('-f, --follow', 'go on until the move is over')
    .option('--json', 'as JSON, one line per event')
    .action(logs)
}

const everyMs = 500

async function logs(
  runId: string,
  tenant: string,
  flags: { follow?: boolean; json?: boolean },
): Promise<void> {
  await withRehome(async (rehome) => {
    let shown = 0
    for (;;) {
      // The move is read before its events: once it is over, they are all there.
      const { move, events } = await rehome.show(runId, tenant)
      for (const event of events.slice(shown)) print(flags.json ? jsonText(event) : lineOf(event))
      shown = events.length
      if (!flags.follow || !move.open) return
      await sleep(everyMs)
    }
  })
}

function lineOf({ at, attempt, kind, message }: MoveEvent): string {
  return `${at.toISOString()}  #${attempt}  ${kind.padEnd(8)}${safe(message, 2000)}`
}

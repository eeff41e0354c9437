import type { Command } from 'commander'
import { jsonText, print, withRehome } from './context.ts'
import { safe } from './print.ts'

export function addShow(program: Command): void {
  program
    .command('show <run> <tenant>')
    .description("one tenant's move: its evidence, and what happened when")
    .option('--json', 'as JSON')
    .action(show)
}

async function show(runId: string, tenant: string, flags: { json?: boolean }): Promise<void> {
  const record = await withRehome((rehome) => rehome.show(runId, tenant))
  if (flags.json) return print(jsonText(record, 2))
  const { move, events } = record
  print(`${safe(move.tenant_id)} · ${move.phase} · attempt ${move.attempt} · run ${record.run.id}`)
  if (move.error_code) print(safe(`${move.error_code}: ${move.error_message}`, 2000))
  for (const event of events) {
    print(`${event.at.toISOString()}  #${event.attempt}  ${safe(event.message, 500)}`)
  }
  print(JSON.stringify(move.evidence, null, 2))
}

import type { Command } from 'commander'
import { jsonText, print, withRehome } from '../context.ts'
import { step, stepsOfMove } from '../next-steps.ts'
import { safe } from '../print.ts'

export function addShow(program: Command): void {
  program
    .command('show <run> [tenant]')
    .description(
      "one tenant's move: its evidence, and what happened when; or decisions about a run",
    )
    .option('--json', 'as JSON')
    .action(show)
}

async function show(
  runId: string,
  tenant: string | undefined,
  flags: { json?: boolean },
): Promise<void> {
  if (tenant === undefined) return await showRun(runId, flags)
  const record = await withRehome((rehome) => rehome.show(runId, tenant))
  const { move, events } = record
  const nextSteps = stepsOfMove(move, { runId, tenant })
  if (flags.json) return print(jsonText({ ...record, nextSteps }, 2))
  print(`${safe(move.tenant_id)} · ${move.phase} · attempt ${move.attempt} · run ${record.run.id}`)
  if (move.error_code) print(safe(`${move.error_code}: ${move.error_message}`, 2000))
  for (const event of events) {
    print(`${event.at.toISOString()}  #${event.attempt}  ${safe(event.message, 500)}`)
  }
  print(jsonText(move.evidence, 2))
}

async function showRun(runId: string, flags: { json?: boolean }): Promise<void> {
  const events = await withRehome((rehome) => rehome.history(runId))
  if (flags.json) return print(jsonText({ events, nextSteps: [step('status', runId)] }, 2))
  for (const { at, kind, by, reason, data } of events.toReversed()) {
    const why = reason === null ? '' : `: ${safe(reason, 500)}`
    print(`${at.toISOString()}  ${kind} by ${safe(by)}${why}  ${jsonText(data)}`)
  }
}

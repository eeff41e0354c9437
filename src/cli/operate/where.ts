import type { Command } from 'commander'
import type { Standing, Whereabouts } from '../../coordinator/fleet/where.ts'
import { jsonText, print, withRehome } from '../context.ts'
import { loadPlans } from '../load-plan.ts'
import { step } from '../next-steps.ts'
import { safe } from '../print.ts'
import { namedPlans } from '../worker.ts'

export function addWhere(program: Command): void {
  program
    .command('where [tenant]')
    .description('where a tenant lives, or all tenants of the plans, and whether it can write')
    .option('--plan <file...>', 'plans whose ends are asked (default: REHOME_PLANS)')
    .option('--json', 'as JSON')
    .action(where)
}

/** The exit code is 3 where the flags lead to no end of the plans. */
async function where(
  tenant: string | undefined,
  flags: { plan?: string[]; json?: boolean },
): Promise<void> {
  const plans = await loadPlans(namedPlans(flags.plan ?? []))
  if (tenant === undefined) return await everywhere(plans, flags)
  const whereabouts = await withRehome((rehome) => rehome.where(plans, tenant))
  if (whereabouts.home === null) process.exitCode = 3
  const nextSteps = whereabouts.move ? [step('show', whereabouts.move.run, tenant)] : []
  print(flags.json ? jsonText({ ...whereabouts, nextSteps }, 2) : whereText(whereabouts))
}

/** A line for each tenant; of JSON, too, as there may be very many. */
async function everywhere(
  plans: Awaited<ReturnType<typeof loadPlans>>,
  { json }: { json?: boolean },
): Promise<void> {
  await withRehome((rehome) =>
    rehome.whereAll(plans, (whereabouts) => {
      if (whereabouts.home === null) process.exitCode = 3
      print(json ? jsonText(whereabouts) : homeText(whereabouts))
    }),
  )
}

function homeText({ tenant, home, reason }: Whereabouts): string {
  const writes = reason === null ? 'its writes are accepted' : `its writes are refused: ${reason}`
  return `${safe(tenant, 200)} · ${home ?? 'no home'} · ${safe(writes, 500)}`
}

function whereText(whereabouts: Whereabouts): string {
  const { move, ends } = whereabouts
  return [
    homeText(whereabouts),
    ...(move ? [`last move: run ${move.run}, ${move.phase}`] : ['no move is known']),
    ...ends.map(endText),
  ].join('\n')
}

function endText({ place, mode, movedTo }: Standing): string {
  if (mode === null) return `${place}: no flag`
  return `${place}: ${mode}${movedTo === null ? '' : ` to ${safe(movedTo)}`}`
}

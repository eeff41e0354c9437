import type { Command } from 'commander'
import type { Rehome, RunPage, RunSnapshot } from '../../coordinator/rehome.ts'
import { atLeastOne, exitCodeOf, jsonText, print, withRehome } from '../context.ts'
import { step, stepsOfRun } from '../next-steps.ts'
import { phasesText, safe, snapshotText, tableText } from '../print.ts'
import { watchRun } from './watch.ts'

export function addStatus(program: Command): void {
  program
    .command('status [run]')
    .description('all runs, or the moves of one')
    .option('-w, --watch', 'until no move is open')
    .option('-n, --limit <tenants>', 'of one run: how many of its tenants', atLeastOne, 1_000)
    .option('--after <tenant>', 'of one run: those behind this tenant')
    .option('--json', 'as JSON; with --watch one line per change, with all tenants')
    .action(status)
}

interface StatusFlags {
  limit: number
  after?: string
  watch?: boolean
  json?: boolean
}

async function status(runId: string | undefined, flags: StatusFlags): Promise<void> {
  await withRehome(async (rehome) => {
    if (runId === undefined) return await allRuns(rehome, flags)
    if (!flags.watch) {
      return showPage(await withNotices(rehome, await rehome.statusPage(runId, flags)), flags)
    }
    if (!flags.json) {
      process.exitCode = await watchRun(rehome, runId)
      return
    }
    for await (const snapshot of rehome.watch(runId)) {
      showChange(await withNotices(rehome, snapshot))
      process.exitCode = exitCodeOf(snapshot.moves)
    }
  })
}

async function allRuns(rehome: Rehome, flags: StatusFlags): Promise<void> {
  const runs = await rehome.runs()
  const nextSteps = runs.slice(0, 1).map(({ id }) => step('status', id))
  if (flags.json) return print(jsonText({ runs, nextSteps }, 2))
  const rows = runs.map((run) => [
    run.id,
    run.created_at.toISOString(),
    String(run.moves),
    String(run.open),
    phasesText(run.phases),
  ])
  print(tableText([['run', 'enqueued', 'tenants', 'open', 'phases'], ...rows]))
}

interface Notices {
  /** Reasons why the run does not go on by itself. */
  readonly notices: readonly string[]
}

async function withNotices<S extends RunSnapshot>(
  rehome: Rehome,
  snapshot: S,
): Promise<S & Notices> {
  return { ...snapshot, notices: await rehome.notices(snapshot.run.id) }
}

function showPage(page: RunPage & Notices, { limit, json }: StatusFlags): void {
  const { open: _, failed: __, more: isMore, ...snapshot } = page
  const { run, moves, notices, total } = page
  const last = isMore ? moves.at(-1)?.tenant_id : undefined
  const own = ['status', run.id, '--limit', String(limit), ...(json ? ['--json'] : [])]
  const more = last === undefined ? [] : [step(...own, `--after=${last}`)]
  const nextSteps = [...more, ...stepsOfRun(run, page)]
  if (json) print(jsonText({ ...snapshot, nextSteps }))
  else {
    print(snapshotText(page))
    for (const command of more) print(`${total} tenants in all, more: ${command}`)
    for (const notice of notices) print(safe(notice, 1000))
  }
}

function showChange(snapshot: RunSnapshot & Notices): void {
  const { moves } = snapshot
  const open = moves.filter((move) => move.open).length
  const failed = moves.filter((move) => !move.open && move.phase === 'failed').length
  const nextSteps = stepsOfRun(snapshot.run, { total: moves.length, open, failed })
  print(jsonText({ ...snapshot, nextSteps }))
}

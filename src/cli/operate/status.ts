import type { Command } from 'commander'
import type { Rehome, RunSnapshot } from '../../coordinator/rehome.ts'
import { exitCodeOf, jsonText, print, withRehome } from '../context.ts'
import { phasesText, safe, snapshotText, tableText } from '../print.ts'
import { watchRun } from './watch.ts'

export function addStatus(program: Command): void {
  program
    .command('status [run]')
    .description('all runs, or the moves of one')
    .option('-w, --watch', 'until no move is open')
    .option('--json', 'as JSON; with --watch one line a change')
    .action(status)
}

interface StatusFlags {
  watch?: boolean
  json?: boolean
}

async function status(runId: string | undefined, flags: StatusFlags): Promise<void> {
  await withRehome(async (rehome) => {
    if (runId === undefined) return await allRuns(rehome, flags)
    if (!flags.watch) return show(await withNotices(rehome, await rehome.status(runId)), flags)
    if (!flags.json) {
      process.exitCode = await watchRun(rehome, runId)
      return
    }
    for await (const snapshot of rehome.watch(runId)) {
      show(await withNotices(rehome, snapshot), flags)
      process.exitCode = exitCodeOf(snapshot.moves)
    }
  })
}

async function allRuns(rehome: Rehome, flags: StatusFlags): Promise<void> {
  const runs = await rehome.runs()
  if (flags.json) return print(jsonText(runs, 2))
  const rows = runs.map((run) => [
    run.id,
    run.created_at.toISOString(),
    String(run.moves),
    String(run.open),
    phasesText(run.phases),
  ])
  print(tableText([['run', 'enqueued', 'tenants', 'open', 'phases'], ...rows]))
}

interface Noticed extends RunSnapshot {
  /** Reasons why the run does not go on by itself. */
  readonly notices: readonly string[]
}

async function withNotices(rehome: Rehome, snapshot: RunSnapshot): Promise<Noticed> {
  return { ...snapshot, notices: await rehome.notices(snapshot.run.id) }
}

function show(snapshot: Noticed, flags: StatusFlags): void {
  print(flags.json ? jsonText(snapshot) : snapshotText(snapshot))
  if (!flags.json) for (const notice of snapshot.notices) print(safe(notice, 1000))
}

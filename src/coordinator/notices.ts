/** Reasons why a run does not go on by itself, as sentences for an operator. */
import type { Control, Run } from '../control/database.ts'
import { type Holds, holdsOf as heldOf } from '../control/fleet/holds.ts'
import { pausesOf } from '../control/fleet/queue-pauses.ts'
import { slotsOf } from '../control/fleet/server-slots.ts'
import { pausedAloneMax, waitsOf } from '../control/run-moves.ts'
import { movesAtOnce, runEventsOf } from '../control/steer.ts'
import { hasWorker } from '../control/workers.ts'
import type { Queues } from '../queue/queues.ts'
import { verdictOf } from './advance-runs.ts'
import { knownRun } from './errand-choice.ts'
import { show } from './tenants.ts'

interface At {
  readonly control: Control
  readonly queues: Queues
}

/** Empty: nothing holds it back. A queue that does not answer is not asked about. */
export async function noticesOf(at: At, runId: string): Promise<string[]> {
  const run = await knownRun(at.control, runId)
  const { open, stoppable, pausedAlone } = await waitsOf(at.control, runId)
  if (!open) return []
  return [
    ...(stoppable ? await holdsOf(at.control, run, pausedAlone) : []),
    ...(await pausedQueues(at)),
    ...((await hasWorker(at.control, run.plan_fingerprint)) ? [] : [noWorkerText(run)]),
  ]
}

/** Decisions about the run, or about all of them. */
async function holdsOf(
  control: Control,
  run: Run,
  pausedAlone: readonly string[],
): Promise<string[]> {
  const most = await movesAtOnce(control)
  return [
    ...(run.paused ? [await pausedText(control, run.id)] : []),
    ...(run.wave < run.wave_count ? [await waveText(control, run)] : []),
    ...heldTexts(run, await heldOf(control, run.id)),
    ...(pausedAlone.length > 0 ? [`paused by themselves: ${aloneText(pausedAlone)}`] : []),
    ...(run.priority === 'normal' ? [] : [`priority: ${run.priority}`]),
    ...(most === null ? [] : [`at most ${most} moves at once, over all workers and runs`]),
    ...(await slotsOf(control, run.id)).map(slotsText),
  ]
}

function slotsText({ server, most, taken }: { server: string; most: number; taken: number }) {
  const full = taken >= most ? '; all others wait' : ''
  return `at most ${most} moves at once at server ${server}: ${taken} are under way${full}`
}

function heldTexts(
  { id, strategy }: Run,
  { untilTold, untilDate, date, troubled, trouble }: Holds,
): string[] {
  const before = strategy === 'online' ? 'cutover' : 'start: nothing of theirs is copied yet'
  const text = (tenants: number, until: string) =>
    tenants === 0 ? [] : [`${tenants} tenant(s) are held ${until}, before their ${before}`]
  return [
    ...text(untilTold, `until \`rehome complete ${id}\``),
    ...text(
      untilDate,
      `until ${date?.toISOString() ?? 'later'}${untilDate > 1 ? ' or later' : ''}`,
    ),
    ...(troubled > 0 ? [`${troubled} of them cannot go on then, e.g. ${trouble}`] : []),
  ]
}

function aloneText(tenants: readonly string[]): string {
  const named = tenants.slice(0, pausedAloneMax).map(show).join('; ')
  return tenants.length > pausedAloneMax ? `${named}; and more` : named
}

async function pausedText(control: Control, runId: string): Promise<string> {
  const events = await runEventsOf(control, runId)
  const last = events.find(({ kind }) => kind === 'paused')
  const who = last ? ` by ${last.by} since ${last.at.toISOString()}` : ''
  const why = last?.reason ? ` (${last.reason})` : ''
  return `paused${who}${why}: no move begins until \`rehome resume ${runId}\``
}

async function waveText(control: Control, run: Run): Promise<string> {
  const { reason } = await verdictOf(control, run)
  return `${run.wave} of ${run.wave_count} waves have begun; ${reason}`
}

function noWorkerText({ plan_name: plan, id }: Run): string {
  const instead = `\`rehome cancel ${id} --all\` and enqueue a new run`
  return `no worker has plan "${plan}" as this run was enqueued with it: start one with that file, or, if the plan has changed, ${instead}`
}

const answerMs = 2_000

/** Bull Board's own pause, which is stored in the queue; by whom, is in the control database. */
export async function pausedQueues({
  control,
  queues: { byErrand },
}: Pick<At, 'queues'> & Partial<Pick<At, 'control'>>): Promise<string[]> {
  const queues = [...new Set(Object.values(byErrand))]
  const paused = await Promise.all(
    queues.map(async (queue) => {
      const late = new Promise<false>((resolve) => setTimeout(resolve, answerMs, false).unref())
      return await Promise.race([queue.isPaused().catch(() => false), late])
    }),
  )
  const names = queues.filter((_, i) => paused[i]).map(({ name }) => name)
  if (names.length === 0) return []
  const pauses = control ? await pausesOf(control) : {}
  const texts = names.map((name) => {
    const pause = pauses[name]
    return pause ? `"${name}" (by ${pause.by} since ${pause.at})` : `"${name}"`
  })
  return [`queue ${texts.join(', ')} is paused: resume it on the board`]
}

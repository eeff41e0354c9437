/**
 * `rehome status RUN --watch`: a picture that fits the window on a terminal, and plain lines
 * elsewhere. Reads a page of tenants at a time, whatever the run's size.
 */
import { sleep } from '../../clock.ts'
import type { RunOverview } from '../../control/runs/run-overview.ts'
import type { TenantLine } from '../../control/runs/run-tenants.ts'
import type { Rehome } from '../../coordinator/rehome.ts'
import { exitCodeOf, print } from '../context.ts'
import { safe } from '../print.ts'
import { screenOf } from './terminal.ts'
import { endText, paceText, type Watched, watchFrame } from './watch-frame.ts'

const everyMs = 1_000

/** Returns the exit code: 0, or that of the first error. */
export async function watchRun(rehome: Rehome, runId: string): Promise<number> {
  const show = process.stdout.isTTY ? drawer() : liner()
  for (;;) {
    const watched = await look(rehome, runId)
    show(watched)
    if (watched.overview.remaining === 0) return codeOf(watched.overview)
    await sleep(everyMs)
  }
}

/** That of the error of the first tenant. */
function codeOf({ failures }: Pick<RunOverview, 'failures'>): number {
  const byTenant = failures.toSorted((a, b) => (a.example < b.example ? -1 : 1))
  return exitCodeOf(byTenant.map(({ code }) => ({ error_code: code })))
}

async function look(rehome: Rehome, runId: string): Promise<Watched> {
  const size = process.stdout.isTTY ? process.stdout.rows || 24 : 1000
  const [{ run, overview }, working, ended, notices] = await Promise.all([
    rehome.overview(runId),
    rehome.tenants(runId, { phase: 'working', sort: 'changed', size }),
    rehome.tenants(runId, { phase: 'ended', sort: 'changed', size }),
    rehome.notices(runId),
  ])
  const ends = `${run.source} → ${run.target}`
  return { runId, ends, overview, working: working.tenants, ended: ended.tenants, notices }
}

/** Draws each picture over the one before. */
function drawer(): (watched: Watched) => void {
  let drawn = 0
  // After a change of its size a terminal may have wrapped lines: everything is drawn anew.
  process.stdout.on('resize', () => {
    process.stdout.write('\u001b[2J\u001b[H')
    drawn = 0
  })
  return (watched) => {
    const screen = screenOf(process.stdout, process.env)
    if (!screen) return
    const lines = watchFrame(watched, screen)
    const back = drawn === 0 ? '' : `\u001b[${drawn}A`
    process.stdout.write(`${back}\u001b[J${lines.join('\n')}\n`)
    drawn = lines.length
  }
}

const firstMax = 100

/** A line for each tenant that ended since the look before, and one for the run when it changed. */
function liner(): (watched: Watched) => void {
  let since: Date | null = null
  let before = ''
  return ({ runId, overview, ended, notices }) => {
    const isNew = ({ updated_at: at }: TenantLine) => since === null || at > since
    const news = ended.filter(isNew).toReversed()
    for (const line of since === null ? news.slice(-firstMax) : news) {
      print(`${safe(line.tenant_id)}  ${endText(line)}`)
    }
    since = ended[0]?.updated_at ?? since ?? new Date(0)
    const done = overview.tenants - overview.remaining
    const text = `${runId}: ${done} of ${overview.tenants} tenants`
    if (text !== before) print(`${text}, ${paceText(overview)}`)
    if (text !== before) for (const notice of notices) print(safe(notice, 1000))
    before = text
  }
}

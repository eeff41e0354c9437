/** Commands that an operator may run next, for `nextSteps` of JSON. Pure. */
import { shellWord } from '../quote.ts'

/** Words of a tenant are quoted; one that begins with `-` cannot be taken for an option. */
export function step(...words: readonly string[]): string {
  return ['rehome', ...words.map(shellWord)].join(' ')
}

export function tenantStep(name: string, runId: string, tenant: string): string {
  const option = tenant.startsWith('-') ? [`--tenant=${tenant}`] : ['--tenant', tenant]
  return step(name, runId, ...option)
}

interface RunState {
  readonly id: string
  readonly paused: string | null
}

interface MoveState {
  readonly phase: string
  readonly open: boolean
}

/** Numbers of the run's moves. */
interface MoveNumbers {
  readonly total: number
  readonly open: number
  readonly failed: number
}

export function stepsOfRun(run: RunState, { total, open, failed }: MoveNumbers): string[] {
  return [
    ...(run.paused === null ? [] : [step('resume', run.id)]),
    ...(open > 0 ? [step('status', run.id, '--watch')] : []),
    ...(failed > 0 ? [step('retry', run.id)] : []),
    ...(total > 0 && open === 0 ? [step('report', run.id, '--out', 'report.html')] : []),
  ]
}

export function stepsOfMove(
  { open, phase, cleanup_begun: cleaned }: MoveState & { readonly cleanup_begun: boolean },
  { runId, tenant }: { readonly runId: string; readonly tenant: string },
): string[] {
  const follow = ['logs', runId, '--follow', '--', tenant]
  if (open) return [step(...follow), tenantStep('cancel', runId, tenant)]
  if (phase === 'failed') {
    return ['retry', 'rollback'].map((name) => tenantStep(name, runId, tenant))
  }
  if (phase !== 'moved' || cleaned) return []
  return ['rollback', 'finalize', 'cleanup'].map(
    (name) => `${tenantStep(name, runId, tenant)} --dry-run`,
  )
}

/** Whether a process can do its work now: the control database and the queue answer. */
import type { Control } from '../../control/database.ts'
import { messageOf } from '../../errors.ts'
import type { Queues } from '../../queue/queues.ts'

export interface Readiness {
  readonly ready: boolean
  /** Name of the look → `ok`, or why not. */
  readonly checks: Readonly<Record<string, string>>
}

const answerMs = 3_000

/** Never throws, and answers within 3 s, for probes. */
export async function readinessOf(
  { control, queues }: { control: Control; queues: Queues },
  more: Readonly<Record<string, () => Promise<unknown>>> = {},
): Promise<Readiness> {
  const looks = {
    'control database': () => control.pool.query('select 1'),
    queue: () => queues.byErrand.move.getJobCounts('waiting'),
    ...more,
  }
  const entries = await Promise.all(
    Object.entries(looks).map(async ([name, look]) => [name, await resultOf(look)] as const),
  )
  const checks = Object.fromEntries(entries)
  return { ready: entries.every(([, result]) => result === 'ok'), checks }
}

async function resultOf(look: () => Promise<unknown>): Promise<string> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(resolve, answerMs, `no answer within ${answerMs} ms`)
  })
  const answered = look().then(
    () => 'ok',
    (error: unknown) => messageOf(error) || 'failed',
  )
  try {
    return await Promise.race([answered, late])
  } finally {
    clearTimeout(timer)
  }
}

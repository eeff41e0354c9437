/**
 * Whether a process can do its work now: the control database and the queue answer.
 *
 * Rule: probes are open to strangers. So an answer names the look that failed, and never the
 * message of a driver, which has addresses, roles and names of databases in it: that goes to the
 * log. And however many ask at once, there is one look at a time.
 */
import type { Control } from '../../control/database.ts'
import { type Logger, sparsely } from '../../log.ts'
import type { Queues } from '../../queue/queues.ts'

export interface Readiness {
  readonly ready: boolean
  /** Name of the look → `ok`, `failed`, or that no answer came in time. */
  readonly checks: Readonly<Record<string, string>>
}

export interface Probed {
  readonly control: Control
  readonly queues: Queues
  readonly log: Logger
}

const answerMs = 3_000

/** Makes a look for probes: it never throws, and answers within 3 s. */
export function createReadiness(
  { control, queues, log }: Probed,
  more: Readonly<Record<string, () => Promise<unknown>>> = {},
): () => Promise<Readiness> {
  const looks = {
    'control database': () => control.pool.query('select 1'),
    queue: () => queues.byErrand.move.getJobCounts('waiting'),
    ...more,
  }
  const tell = sparsely(log, 'not ready')
  let current: Promise<Readiness> | null = null
  const look = async (): Promise<Readiness> => {
    const entries = await Promise.all(
      Object.entries(looks).map(async ([name, of]) => [name, await resultOf(of, tell)] as const),
    )
    current = null
    const checks = Object.fromEntries(entries)
    return { ready: entries.every(([, result]) => result === 'ok'), checks }
  }
  return async () => {
    current ??= look()
    return await current
  }
}

async function resultOf(
  look: () => Promise<unknown>,
  tell: (error: Error) => void,
): Promise<string> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(resolve, answerMs, `no answer within ${answerMs} ms`)
  })
  const answered = look().then(
    () => 'ok',
    (error: unknown) => {
      tell(error instanceof Error ? error : new Error(String(error)))
      return 'failed'
    },
  )
  try {
    return await Promise.race([answered, late])
  } finally {
    clearTimeout(timer)
  }
}

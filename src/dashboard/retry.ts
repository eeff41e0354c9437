/**
 * Bull Board's Retry buttons, routed through the product's retry: first the control database, which
 * then sees to the job. Only moves: a rollback or a clean-up is a decision, and is made anew.
 *
 * Invariant: no job is retried here that the control database has not been asked about.
 */
import type { Job } from 'bullmq'
import { type AskedErrand, errands } from '../errands.ts'
import { messageOf, RehomeError } from '../errors.ts'
import { type JobPayload, readPayload } from '../queue/jobs.ts'
import { shellWord } from '../quote.ts'
import type { BoardLibrary } from './library.ts'

/** Throws NOT_ALLOWED_NOW, or what the product's retry throws. */
export async function retryJob(library: BoardLibrary, job: Job, by: string): Promise<void> {
  const { runId, tenantId } = await moveOf(library, job)
  if (job.queueName !== errands.move.queue) {
    if (job.name === 'audit') throw refused('the plan requests the next audit by itself')
    if (job.name === 'rehearse') throw refused('repeat a rehearsal with `rehome rehearse`')
    const errand = errandOf(job)
    throw refused(`a ${errand} is repeated with: ${command(errand, runId, tenantId)}`)
  }
  await library.retry(runId, { tenants: [tenantId], by })
}

async function retryUndecided(library: BoardLibrary, job: Job, by: string): Promise<void> {
  const payload = payloadOf(job)
  const move = payload && (await library.show(payload.runId, payload.tenantId)).move
  const code = move?.error_code
  if (move && (code === 'CANCELLED' || code === 'SKIPPED')) {
    throw refused(`tenant "${move.tenant_id}" was ${code.toLowerCase()}: retry it by itself`)
  }
  await retryJob(library, job, by)
}

function errandOf({ queueName }: Job): 'rollback' | 'finalize' | 'cleanup' {
  if (queueName === errands.rollback.queue) return 'rollback'
  return queueName === errands.finalize.queue ? 'finalize' : 'cleanup'
}

/** The move that the job stands for: its id tells which, and its data has to agree. */
async function moveOf(library: BoardLibrary, job: Job): Promise<JobPayload> {
  const payload = payloadOf(job)
  const id = job.id ?? ''
  const own = id === payload?.moveId || id.startsWith(`${payload?.moveId}-`)
  if (payload && own) {
    const { move } = await library.show(payload.runId, payload.tenantId)
    if (move.id === payload.moveId) return payload
  }
  throw refused("the job's data was changed: use `rehome retry`")
}

/** null: somebody has changed it. */
export function payloadOf({ data }: { data: unknown }): JobPayload | null {
  try {
    return readPayload(data)
  } catch {
    return null
  }
}

export interface RetriedAll {
  readonly retried: number
  /** Why the others were not, in the order of their jobs. */
  readonly refusals: readonly string[]
}

const pageSize = 500
const atOnce = 4

/**
 * Every failed job of a queue, one by one: what one tenant is refused, another may have. Tenants
 * that a person cancelled or skipped are passed over; each can be retried by its own button.
 */
export async function retryFailed(
  library: BoardLibrary,
  queue: { getJobs(states: 'failed'[], from: number, to: number): Promise<Job[]> },
  by: string,
): Promise<RetriedAll> {
  // All of them are read before the first is retried, because that takes it out of the list.
  const jobs = await failedJobs(queue)
  const refusals: string[] = []
  for (let i = 0; i < jobs.length; i += atOnce) {
    const answers = jobs.slice(i, i + atOnce).map((job) =>
      retryUndecided(library, job, by).then(
        () => [],
        (error: unknown) => [messageOf(error)],
      ),
    )
    refusals.push(...(await Promise.all(answers)).flat())
  }
  return { retried: jobs.length - refusals.length, refusals }
}

async function failedJobs(queue: Parameters<typeof retryFailed>[1]): Promise<Job[]> {
  const jobs: Job[] = []
  for (;;) {
    const page = await queue.getJobs(['failed'], jobs.length, jobs.length + pageSize - 1)
    jobs.push(...page)
    if (page.length < pageSize) return jobs.filter(Boolean)
  }
}

function refused(message: string): RehomeError {
  return new RehomeError('NOT_ALLOWED_NOW', message)
}

/** The command to type; the tenant as a word of a POSIX shell. */
export function command(errand: AskedErrand, runId: string, tenant: string) {
  const separator = tenant.startsWith('-') ? '=' : ' '
  return `rehome ${errand} ${runId} --tenant${separator}${shellWord(tenant)}`
}

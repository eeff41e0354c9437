/**
 * Background work that steps aside for a fenced tenant instead of failing: processors of BullMQ
 * jobs, loops over all tenants, and whether a queue has come to rest.
 *
 * It knows jobs by their shape, so it needs no queue library. Looking beforehand saves work; that
 * no fenced write is let through is the database's affair, as everywhere.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { inBackground } from './background.ts'
import type { Fence } from './fence.ts'
import { fenceOf } from './tenant-fenced.ts'

type Look = (tenant: string) => Promise<Fence | null>

/** A job of BullMQ's. */
export interface DelayableJob {
  moveToDelayed(timestamp: number, token?: string): Promise<void>
}

export interface WhileWritableOptions<J> {
  /** The tenant of a job; null or undefined if it has none. */
  readonly tenantOf: (job: J) => string | null | undefined
  /** `homes.look`. Without it jobs begin, and step aside once the database has refused. */
  readonly look?: Look | undefined
  /** When to try again, in ms. Default: the fence's own time, and 10 s at most. */
  readonly delayMs?: number | undefined
}

type Processor<J, R> = (job: J, token?: string, signal?: AbortSignal) => Promise<R>

/**
 * A processor that delays jobs of fenced tenants, found so before or refused while they ran,
 * without using up an attempt. A job that was refused runs from its beginning again, as a failed
 * one does.
 */
export function whileWritable<J extends DelayableJob, R>(
  processor: Processor<J, R>,
  options: WhileWritableOptions<J>,
): Processor<J, R> {
  const stepAside = async (fence: Fence, job: J, token: string | undefined): Promise<never> => {
    await job.moveToDelayed(Date.now() + (options.delayMs ?? delayOf(fence)), token)
    throw new DelayedError()
  }
  // BullMQ gives a signal to processors that declare three parameters.
  return async (job, token, signal) => {
    const knownFence = await lookFor(options.tenantOf(job), options.look)
    if (knownFence) return await stepAside(knownFence, job, token)
    try {
      return await inBackground(() => processor(job, token, signal))
    } catch (error) {
      const fence = fenceOf(error)
      // A write where the tenant no longer lives would be refused for ever.
      if (!fence || fence.mode === 'moved') throw error
      return await stepAside(fence, job, token)
    }
  }
}

/**
 * An error that BullMQ knows by its name, even across a sandbox: the job was moved, and has not
 * failed.
 */
class DelayedError extends Error {
  override readonly name = 'DelayedError'

  constructor() {
    super('bullmq:movedToDelayed')
  }
}

/** Writes may be let in at any time: a delayed job does not come back later than this. */
const latestMs = 10_000

/** Up to a fifth more, so that a tenant's jobs do not all come back in one moment. */
export function delayOf({ indefinite, retryAfterS }: Fence): number {
  const leastMs = indefinite ? latestMs : Math.min(latestMs, Math.max(1000, retryAfterS * 1000))
  return Math.round(leastMs * (1 + Math.random() / 5))
}

/** A look that fails tells nothing; the database is asked anyway. */
async function lookFor(
  tenant: string | null | undefined,
  look: Look | undefined,
): Promise<Fence | null> {
  try {
    return tenant && look ? await look(tenant) : null
  } catch {
    return null
  }
}

export interface Sweep {
  readonly done: string[]
  /** Fenced before their turn, or while their work ran. */
  readonly skipped: { tenant: string; fence: Fence }[]
  readonly failed: { tenant: string; error: unknown }[]
}

/**
 * Does the work for every tenant that is not fenced, in order, `concurrency` (1) at once, and
 * tells what became of each. Rejects only where the tenants themselves cannot be listed, once what
 * is under way has ended.
 */
export async function forEachWritableTenant(
  tenants: Iterable<string> | AsyncIterable<string>,
  work: (tenant: string) => Promise<unknown>,
  options: { readonly look?: Look | undefined; readonly concurrency?: number | undefined } = {},
): Promise<Sweep> {
  const sweep: Sweep = { done: [], skipped: [], failed: [] }
  const visit = async (tenant: string) => {
    const knownFence = await lookFor(tenant, options.look)
    if (knownFence) return void sweep.skipped.push({ tenant, fence: knownFence })
    try {
      await inBackground(() => work(tenant))
      sweep.done.push(tenant)
    } catch (error) {
      const fence = fenceOf(error)
      if (fence && fence.mode !== 'moved') sweep.skipped.push({ tenant, fence })
      else sweep.failed.push({ tenant, error })
    }
  }
  const draw = drawFrom(tenants)
  const lane = async () => {
    for (let drawn = await draw(); drawn; drawn = await draw()) await visit(drawn.tenant)
  }
  const lanes = Array.from({ length: Math.max(1, options.concurrency ?? 1) }, lane)
  const ended = await Promise.allSettled(lanes)
  const broken = ended.find((result) => result.status === 'rejected')
  if (broken) throw broken.reason
  return sweep
}

type Draw = () => Promise<{ tenant: string } | null>

/** Draws one tenant after another: not every iterator allows two calls at a time. */
function drawFrom(tenants: Iterable<string> | AsyncIterable<string>): Draw {
  const iterator =
    Symbol.asyncIterator in tenants ? tenants[Symbol.asyncIterator]() : tenants[Symbol.iterator]()
  let before: Promise<unknown> = Promise.resolve()
  let ended = false
  const draw: Draw = async () => {
    if (ended) return null
    ended = true
    const { done, value } = await iterator.next()
    if (done) return null
    ended = false
    return { tenant: value }
  }
  return () => {
    const drawn = before.then(draw)
    before = drawn.catch(() => {})
    return drawn
  }
}

/** A queue of BullMQ's. A job that ends while they are listed may be missing in the list. */
export interface ActiveJobs<J> {
  getActive(): Promise<readonly (J | undefined)[]>
}

const everyMs = 100

/**
 * Returns a function that resolves once no job of a tenant is active in the queue. Meant for a
 * tenant that is fenced: its jobs then step aside when they begin. Rejects with the signal's
 * reason.
 */
export function drainedOf<J>(
  queue: ActiveJobs<J>,
  tenantOf: (job: J) => string | null | undefined,
): (tenant: string, limits?: { readonly signal?: AbortSignal }) => Promise<void> {
  return async (tenant, { signal } = {}) => {
    for (;;) {
      signal?.throwIfAborted()
      // All at once: between two pages a job could slip from one into the other.
      const jobs = await queue.getActive()
      if (!jobs.some((job) => job && tenantOf(job) === tenant)) return
      await delay(everyMs, undefined, signal ? { signal } : {}).catch(() => {})
    }
  }
}

/**
 * The worker process: takes jobs of all queues and looks after those that got lost.
 *
 * close() hands moves that are not cut over back: their tenants' writes come back at once and
 * another worker starts over. It may be killed at any time; see docs/operations.md for what
 * follows.
 */

import type { Worker } from 'bullmq'
import { type Control, closeControl } from '../src/control/database.ts'
import { closeEnds, openEnds, openInstalledControl } from '../src/coordinator/installation.ts'
import { type ProbeServer, startProbeServer } from '../src/coordinator/metrics/probe-server.ts'
import { createReadiness } from '../src/coordinator/metrics/readiness.ts'
import { type Receiver, receiverOf } from '../src/coordinator/webhooks/receiver.ts'
import { errands } from '../src/errands.ts'
import { RehomeError } from '../src/errors.ts'
import { createLog, type Logger, sparsely } from '../src/log.ts'
import { checkPlan, fingerprintOf } from '../src/plan/check-plan.ts'
import { tooFewConnections } from '../src/plan/contradictions.ts'
import type { PlanInput } from '../src/plan/plan.ts'
import { toRehomeError } from '../src/postgres.ts'
import {
  openQueues,
  openWorker,
  type QueueStore,
  type Queues,
  queueStore,
} from '../src/queue/queues.ts'
import type { OpenPlan } from '../src/worker/attempt.ts'
import { type Steering, startSteering } from '../src/worker/steering.ts'
import { startContractions } from './contraction-loop.ts'
import { errandJobs } from './errand-jobs.ts'
import { startFeed } from './feed-loop.ts'
import { startReconcile } from './reconcile.ts'
import { startWaves } from './wave-loop.ts'
import { startWebhooks } from './webhook-loop.ts'

export interface WorkerOptions {
  readonly plans: readonly PlanInput[]
  readonly controlUrl?: string
  readonly redisUrl?: string
  readonly environment?: NodeJS.ProcessEnv
  /** Moves at once. Default: the largest `concurrency` of the plans. */
  readonly concurrency?: number | undefined
  readonly reconcileEveryMs?: number
  /** How long a job stays with a worker that has died. Default 10,000. */
  readonly lockMs?: number
  /** Where it answers /metrics, /healthz and /readyz. Default: nowhere. Port 0: any free one. */
  readonly probe?: { readonly host: string; readonly port: number } | undefined
  readonly log?: Logger
}

export interface RunningWorker extends AsyncDisposable {
  readonly queue: 'redis' | 'postgres'
  /** Where it answers probes; null: nowhere. */
  readonly probeUrl: string | null
  close(): Promise<void>
}

/** Returns when it takes jobs. Throws what opening the control database and the queue throws. */
export async function startWorker(options: WorkerOptions): Promise<RunningWorker> {
  const log = options.log ?? createLog()
  const opened = await openAll(options, log)
  const { store, plans } = opened
  const stop = new AbortController()
  const steering = startSteering({ control: opened.control, log })
  const workers = takeJobs({ ...opened, log, stop: stop.signal, steering }, options)
  // Whatever stayed open would keep a process alive that takes no jobs.
  const giveUp = async (error: unknown): Promise<never> => {
    steering.stop()
    await Promise.allSettled(workers.map((worker) => worker.close(true)))
    await opened.close()
    throw toRehomeError(error, 'the queue')
  }
  await Promise.all(workers.map((worker) => worker.waitUntilReady())).catch(giveUp)
  const probe = await startProbe({ ...opened, log }, workers, options).catch(giveUp)
  const endReconcile = startReconcile({ ...opened, log, everyMs: options.reconcileEveryMs })
  const endWaves = startWaves({ ...opened, log, everyMs: options.reconcileEveryMs })
  const endFeed = startFeed({ ...opened, log, everyMs: options.reconcileEveryMs })
  const endWebhooks = startWebhooks({ ...opened, log, everyMs: options.reconcileEveryMs })
  const endContractions = startContractions({ ...opened, log, everyMs: options.reconcileEveryMs })
  const close = once(async () => {
    void endWaves()
    void endFeed()
    stop.abort()
    const left = Promise.all([endReconcile(), endWebhooks(), endContractions()])
    await probe?.close()
    await Promise.all(workers.map((worker) => worker.close()))
    steering.stop()
    await left
    await opened.close()
  })
  log.info({ queue: store.kind, plans: plans.map(({ plan }) => plan.name) }, 'ready')
  const probeUrl = probe?.url ?? null
  return { queue: store.kind, probeUrl, close, [Symbol.asyncDispose]: close }
}

async function startProbe(
  { control, queues, log }: Opened & { log: Logger },
  workers: readonly Worker[],
  { probe }: WorkerOptions,
): Promise<ProbeServer | null> {
  if (!probe) return null
  const { createMetrics } = await import('../src/coordinator/metrics/metrics.ts')
  const takesJobs = async () => {
    const stopped = workers.find((worker) => !worker.isRunning())
    if (stopped) throw new Error(`takes no jobs of queue "${stopped.name}"`)
  }
  return await startProbeServer({
    ...probe,
    metrics: createMetrics({ control, queues }),
    readiness: createReadiness({ control, queues, log }, { worker: takesJobs }),
    log,
  })
}

interface Opened {
  readonly control: Control
  readonly queues: Queues
  readonly store: QueueStore
  readonly plans: readonly OpenPlan[]
  readonly receiver: Receiver | null
  readonly onQueueError: (error: Error) => void
  close(): Promise<void>
}

async function openAll(options: WorkerOptions, log: Logger): Promise<Opened> {
  const environment = options.environment ?? process.env
  const controlUrl = options.controlUrl ?? environment.CONTROL_URL
  if (!controlUrl) {
    throw new RehomeError('SETTING_MISSING', 'CONTROL_URL, the control database, is not set')
  }
  const receiver = receiverOf(environment)
  const plans = openPlans(options, environment)
  const { control, installation } = await openInstalledControl(controlUrl)
  const redisUrl = options.redisUrl ?? environment.REDIS_URL
  const store = queueStore({ redisUrl, controlUrl, installation })
  const onQueueError = sparsely(log, 'queue connection')
  const queues = openQueues(store, onQueueError)
  const close = async () => {
    await queues.close()
    await Promise.all(plans.map(({ ends }) => closeEnds(ends)))
    await closeControl(control)
  }
  await queues.ready().catch(async (error: unknown) => {
    await close()
    throw error
  })
  return { control, queues, store, plans, receiver, onQueueError, close }
}

function takeJobs(
  runtime: Opened & { log: Logger; stop: AbortSignal; steering: Steering },
  options: WorkerOptions,
): Worker[] {
  const { onQueueError: onError, queues } = runtime
  const { lockMs } = options
  const concurrency = runtime.plans[0]?.plan.concurrency ?? 1
  const settings = { concurrency, onError, lockMs }
  const names = [...new Set(Object.values(errands).map(({ queue }) => queue))]
  return names.map((name) =>
    openWorker(queues, name, {
      processor: errandJobs(runtime, name),
      // Audits can wait: they are not to take connections from moves.
      settings: name === errands.audit.queue ? { ...settings, concurrency: 1 } : settings,
    }),
  )
}

/** The plans of this worker, with its own `concurrency`. */
function openPlans(
  { plans, concurrency }: WorkerOptions,
  environment: NodeJS.ProcessEnv,
): OpenPlan[] {
  if (plans.length === 0) {
    throw new RehomeError('USAGE', 'a worker needs at least one plan file')
  }
  const checked = plans.map(checkPlan)
  const atOnce = concurrency ?? Math.max(...checked.map((plan) => plan.concurrency))
  for (const plan of checked) {
    const contradiction = tooFewConnections(plan, atOnce)
    if (contradiction) throw new RehomeError('PLAN_INVALID', contradiction)
  }
  return checked.map((plan) => ({
    plan: { ...plan, concurrency: atOnce },
    fingerprint: fingerprintOf(plan),
    ends: openEnds(plan, environment),
  }))
}

function once(work: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | null = null
  return () => {
    running ??= work()
    return running
  }
}

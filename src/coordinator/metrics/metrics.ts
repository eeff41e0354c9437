/**
 * Metrics of the installation for Prometheus. They come from the control database and the queue, so
 * every board and every worker gives the same numbers; those named `process_…` or `nodejs_…`, and
 * the bytes that were copied and the age of leases, are of the process. Tenants are no labels:
 * there are too many.
 */
import { Counter, collectDefaultMetrics, Gauge, type Metric, Registry } from 'prom-client'
import { leaseAgeS } from '../../attempt/lease-age.ts'
import type { Control } from '../../control/database.ts'
import { type FleetNumbers, fleetNumbers, type PlanPauses } from '../../control/fleet-numbers.ts'
import { bytesCopied } from '../../ends/postgres/copy/copied-bytes.ts'
import type { Queues } from '../../queue/queues.ts'
import { version } from '../enqueue.ts'
import { queueMetrics } from './queue-metrics.ts'

export interface Metrics {
  readonly contentType: string
  /** In Prometheus's text format. Throws what the control database throws. */
  text(): Promise<string>
}

const pauseBoundsMs = [50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000]

/** Numbers are asked for at most so often, and rest for twenty times as long as they took. */
const everyMs = 5_000
const costFactor = 20

const jobStates = ['waiting', 'active', 'delayed', 'failed', 'prioritized'] as const

export function createMetrics({ control, queues }: { control: Control; queues: Queues }): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const numbers = cached(async () => await fleetNumbers(control, pauseBoundsMs))
  const gauges = createGauges(registry)
  registry.registerMetric(pauseHistogram(async () => (await numbers()).pauses))
  countCopied(registry)
  gauges.build.set({ version: version() }, 1)
  return {
    contentType: registry.contentType,
    async text() {
      fill(gauges, await numbers())
      await fillQueues(gauges, queues)
      const own = await Promise.all([registry.metrics(), queueMetrics(queues)])
      return own.join('')
    },
  }
}

type Gauges = ReturnType<typeof createGauges>

function countCopied(registry: Registry): void {
  let counted = 0
  new Counter({
    name: 'rehome_copied_bytes_total',
    help: 'Bytes of rows that this process has sent to databases since it began',
    registers: [registry],
    collect() {
      const bytes = bytesCopied()
      this.inc(bytes - counted)
      counted = bytes
    },
  })
}

function createGauges(registry: Registry) {
  const gauge = <Label extends string>(name: string, help: string, labels: readonly Label[]) =>
    new Gauge({ name: `rehome_${name}`, help, labelNames: labels, registers: [registry] })
  return {
    build: gauge('build_info', 'Version of rehome; the value is 1', ['version']),
    moves: gauge('moves', 'Moves by phase; errand is none where nothing is asked for', [
      'plan',
      'phase',
      'errand',
    ]),
    failures: gauge('moves_with_error', 'Moves whose last errand ended or waits with this error', [
      'plan',
      'code',
    ]),
    rows: gauge('rows_copied', 'Rows copied by the newest attempts of all moves', ['plan']),
    waysBack: gauge('ways_back_open', 'Moved tenants whose rollback window is open', ['plan']),
    nextEnd: gauge('way_back_ends_seconds', 'Time until the next rollback window ends', ['plan']),
    untouched: gauge(
      'untouched_move_seconds',
      'Time since a worker touched the due move that was left alone for longest',
      [],
    ),
    captureLag: gauge(
      'capture_lag_seconds',
      'Time since the held move that was left alone for longest has caught up',
      [],
    ),
    leaseAge: gauge(
      'lease_age_seconds',
      'Time since this process has renewed the lease of a fence or capture that it renewed longest ago',
      [],
    ),
    homesClosed: gauge(
      'homes_closed',
      'Moves that stopped for 30 s between their cutover and the opening of the new home',
      [],
    ),
    jobs: gauge('queue_jobs', 'Jobs by state', ['queue', 'state']),
    paused: gauge('queue_paused', 'Whether a queue is paused (1) or not (0)', ['queue']),
  }
}

/** Rows without a label set of before go: a phase that no move has any longer is absent. */
function fill(gauges: Gauges, numbers: FleetNumbers): void {
  const { moves, failures, rows, waysBack, nextEnd } = gauges
  for (const gauge of [moves, failures, rows, waysBack, nextEnd]) gauge.reset()
  for (const { moves: count, ...labels } of numbers.moves) moves.set(labels, count)
  for (const { moves: count, ...labels } of numbers.failures) failures.set(labels, count)
  for (const { rows: count, plan } of numbers.rows) rows.set({ plan }, count)
  for (const { plan, moves: count, nextEndS } of numbers.waysBack) {
    waysBack.set({ plan }, count)
    nextEnd.set({ plan }, nextEndS)
  }
  gauges.leaseAge.set(leaseAgeS())
  gauges.untouched.set(numbers.untouchedS)
  gauges.captureLag.set(numbers.captureLagS)
  gauges.homesClosed.set(numbers.homesClosed)
}

async function fillQueues({ jobs, paused }: Gauges, { byErrand }: Queues): Promise<void> {
  const all = [...new Set(Object.values(byErrand))]
  await Promise.all(
    all.map(async (queue) => {
      const [counts, isPaused] = await Promise.all([
        queue.getJobCounts(...jobStates),
        queue.isPaused(),
      ])
      for (const state of jobStates) jobs.set({ queue: queue.name, state }, counts[state] ?? 0)
      paused.set({ queue: queue.name }, isPaused ? 1 : 0)
    }),
  )
}

/** A histogram whose counts the database has made already; the library's own can only observe. */
function pauseHistogram(pauses: () => Promise<readonly PlanPauses[]>): Metric {
  const name = 'rehome_pause_seconds'
  const help = 'Time for which writes of a tenant were refused, by the last attempt that fenced it'
  const get = async () => ({
    name,
    help,
    type: 'histogram',
    aggregator: 'sum',
    values: (await pauses()).flatMap((pause) => histogramValues(name, pause)),
  })
  return { name, help, type: 'histogram', aggregator: 'sum', get } as unknown as Metric
}

function histogramValues(name: string, { plan, buckets, count, sumMs }: PlanPauses) {
  let below = 0
  const bounds = [...pauseBoundsMs.map((ms) => ms / 1000), '+Inf']
  const cumulated = buckets.map((own, i) => {
    below += own
    return { metricName: `${name}_bucket`, labels: { plan, le: bounds[i] }, value: below }
  })
  return [
    ...cumulated,
    { metricName: `${name}_sum`, labels: { plan }, value: sumMs / 1000 },
    { metricName: `${name}_count`, labels: { plan }, value: count },
  ]
}

/** Callers that come meanwhile share one answer; an error is not kept. */
function cached<T>(ask: () => Promise<T>): () => Promise<T> {
  let answer: Promise<T> | null = null
  let until = 0
  return async () => {
    if (answer && performance.now() < until) return await answer
    const began = performance.now()
    until = Number.POSITIVE_INFINITY
    const request = ask()
    answer = request
    try {
      return await request
    } catch (error) {
      answer = null
      throw error
    } finally {
      const ended = performance.now()
      until = ended + Math.max(everyMs, costFactor * (ended - began))
    }
  }
}

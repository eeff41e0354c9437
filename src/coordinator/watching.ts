/** The part of the library that looks at an installation, and changes nothing. */
import type { Control, Run } from '../control/database.ts'
import { overviewOf, type RunOverview } from '../control/run-overview.ts'
import { type TenantPage, type TenantQuery, tenantPage } from '../control/run-tenants.ts'
import { listRuns, type RunSummary, type RunsQuery } from '../control/runs.ts'
import { checkPlan } from '../plan/check-plan.ts'
import type { PlanInput } from '../plan/plan.ts'
import type { Queues } from '../queue/queues.ts'
import { knownRun } from './ask-errands.ts'
import type { Diagnosis } from './doctor/diagnosis.ts'
import { type DoctorOptions, diagnose, type Patient } from './doctor/doctor.ts'
import type { Metrics } from './metrics/metrics.ts'
import { type Readiness, readinessOf } from './metrics/readiness.ts'

export interface Watching {
  /** Newest first; by default the newest 100. */
  runs(query?: RunsQuery): Promise<RunSummary[]>
  /** A run in a few numbers: phases, failures by code, pauses, an estimate of its end. */
  overview(runId: string): Promise<{ run: Run; overview: RunOverview }>
  /** A page of a run's tenants, filtered and sorted, without their evidence. */
  tenants(runId: string, query?: TenantQuery): Promise<TenantPage>
  /** Everything that stands in the way of moves, each with its remedy. Reads only. */
  diagnose(plans: readonly PlanInput[], options?: DoctorOptions): Promise<Diagnosis[]>
  /** Numbers of the installation in Prometheus's text format. */
  metrics(): Promise<{ readonly contentType: string; readonly text: string }>
  /** Whether control database and queue answer. Never throws; within 3 s. */
  readiness(): Promise<Readiness>
}

interface Opened {
  readonly control: Control
  readonly queues: Queues
  readonly environment: NodeJS.ProcessEnv
}

export function watchingOf(opened: Opened): Watching {
  const { control } = opened
  return {
    runs: (query) => listRuns(control, query),
    overview: async (runId) => {
      const run = await knownRun(control, runId)
      return { run, overview: await overviewOf(control, runId) }
    },
    tenants: async (runId, query) => {
      await knownRun(control, runId)
      return await tenantPage(control, runId, query)
    },
    diagnose: (plans, asked) => diagnose(patientOf(opened), plans.map(checkPlan), asked),
    metrics: metricsOf(opened),
    readiness: () => readinessOf(opened),
  }
}

function patientOf({ control, queues, environment }: Opened): Patient {
  const redisUrl = queues.store.kind === 'redis' ? queues.store.url : undefined
  return { control, queues, settings: { controlUrl: control.url, redisUrl, environment } }
}

/** Loaded when they are asked for first: commands are quicker without. */
function metricsOf(opened: Opened): Watching['metrics'] {
  let made: Promise<Metrics> | null = null
  return async () => {
    made ??= import('./metrics/metrics.ts').then(({ createMetrics }) => createMetrics(opened))
    const { contentType, text } = await made
    return { contentType, text: await text() }
  }
}

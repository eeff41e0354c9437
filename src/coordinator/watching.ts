/** The part of the library that looks at an installation, and changes nothing. */
import type { Control, Run } from '../control/database.ts'
import { overviewOf } from '../control/runs/run-counts.ts'
import type { RunOverview } from '../control/runs/run-overview.ts'
import { type TenantPage, type TenantQuery, tenantPage } from '../control/runs/run-tenants.ts'
import { listRuns, type RunSummary, type RunsQuery } from '../control/runs/runs.ts'
import type { Logger } from '../log.ts'
import { checkPlan } from '../plan/check-plan.ts'
import type { PlanInput } from '../plan/plan.ts'
import type { Queues } from '../queue/queues.ts'
import { type ReportFormat, reportTexts } from '../report/report-file.ts'
import { withCollected } from '../report/run-report.ts'
import { signingKeyOf } from '../report/seal.ts'
import type { Diagnosis } from './doctor/diagnosis.ts'
import { type DoctorOptions, diagnose, type Patient } from './doctor/doctor.ts'
import { type RepairOptions, type Repairs, repair } from './doctor/repair.ts'
import { version } from './enqueue.ts'
import { knownRun } from './errand-choice.ts'
import { type Whereabouts, where, whereAll } from './fleet/where.ts'
import { type Inspection, type InspectOptions, inspect } from './inspect.ts'
import type { Metrics } from './metrics/metrics.ts'
import { createReadiness, type Readiness } from './metrics/readiness.ts'

export interface ReportOptions {
  /** Default `html`. CSV has no signature. */
  readonly format?: ReportFormat
  /** An Ed25519 private key as PEM, or the path of one. Default: REHOME_SIGNING_KEY; else none. */
  readonly signingKey?: string
}

export interface Watching {
  /** Newest first; by default the newest 100. */
  runs(query?: RunsQuery): Promise<RunSummary[]>
  /** A run in a few numbers: phases, failures by code, pauses, an estimate of its end. */
  overview(runId: string): Promise<{ run: Run; overview: RunOverview }>
  /** A page of a run's tenants, filtered and sorted, without their evidence. */
  tenants(runId: string, query?: TenantQuery): Promise<TenantPage>
  /**
   * One self-contained file about a run, for its auditor, in parts. Reads one snapshot of the run.
   * Memory does not grow with the run. Throws RUN_UNKNOWN, or USAGE for a wrong key.
   */
  report(runId: string, options?: ReportOptions): AsyncGenerator<string, void, undefined>
  /** Everything that stands in the way of moves, each with its remedy. Reads only. */
  diagnose(plans: readonly PlanInput[], options?: DoctorOptions): Promise<Diagnosis[]>
  /** Mends those findings whose mending can lose no data and open no home. */
  repair(plans: readonly PlanInput[], options: RepairOptions): Promise<Repairs>
  /** Rows of a tenant side by side. One of the plans is the run's. Reads only. */
  inspect(
    plans: readonly PlanInput[],
    options: InspectOptions & { readonly runId: string; readonly tenant: string },
  ): Promise<Inspection>
  /** Where a tenant lives, among the ends of these plans. Reads only. */
  where(plans: readonly PlanInput[], tenant: string): Promise<Whereabouts>
  /** Looks so for each tenant that these plans list or have moved, in the order of their ids. */
  whereAll(plans: readonly PlanInput[], each: (whereabouts: Whereabouts) => void): Promise<void>
  /** Numbers of the installation in Prometheus's text format. */
  metrics(): Promise<{ readonly contentType: string; readonly text: string }>
  /** Whether control database and queue answer. Never throws; within 3 s. Reasons are logged. */
  readiness(): Promise<Readiness>
}

/** The parts of an installation that the library works with. */
export interface Opened {
  readonly control: Control
  readonly queues: Queues
  readonly environment: NodeJS.ProcessEnv
  readonly by: string
  readonly log: Logger
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
    report: (runId, options) => reportOf(opened, runId, options),
    diagnose: (plans, options) => diagnose(patientOf(opened), plans.map(checkPlan), options),
    repair: (plans, options) => repair(patientOf(opened), plans.map(checkPlan), options),
    inspect: (plans, options) => inspect(opened, plans, options),
    where: (plans, tenant) => where(opened, plans, tenant),
    whereAll: (plans, each) => whereAll(opened, plans, each),
    metrics: metricsOf(opened),
    readiness: createReadiness(opened),
  }
}

function reportOf(
  { control, environment, by }: Opened,
  runId: string,
  { format = 'html', signingKey = environment.REHOME_SIGNING_KEY }: ReportOptions = {},
): AsyncGenerator<string, void, undefined> {
  const key = signingKeyOf(signingKey)
  return withCollected(control, { runId, by, version: version() }, (collected) =>
    reportTexts(collected, { format, key }),
  )
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

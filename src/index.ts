/** The public API: what a script needs to move tenants, and what a plan file needs. */

export { type RunningWorker, startWorker, type WorkerOptions } from '../jobs/worker.ts'
export type {
  Move,
  MoveEvent,
  Priority,
  Run,
  RunEvent,
  SchemaStatement,
} from './control/database.ts'
export type { Reached } from './control/run-moves.ts'
export type { RunOverview } from './control/runs/run-overview.ts'
export type { TenantPage, TenantQuery as TenantPageQuery } from './control/runs/run-tenants.ts'
export type { RunSummary, RunsQuery } from './control/runs/runs.ts'
export type { ApproveOptions } from './coordinator/advance-runs.ts'
export type { RollbackOptions } from './coordinator/ask-errands.ts'
export type { Review } from './coordinator/checking.ts'
export type { CompleteOptions } from './coordinator/complete.ts'
export type { Diagnosis } from './coordinator/doctor/diagnosis.ts'
export type { DoctorOptions } from './coordinator/doctor/doctor.ts'
export type { RepairOptions, Repairs } from './coordinator/doctor/repair.ts'
export type { Enqueued, EnqueueOptions } from './coordinator/enqueue.ts'
export type { ErrandOptions } from './coordinator/errand-choice.ts'
export type { Cancelled, CancelOptions } from './coordinator/fleet/cancel.ts'
export type { Standing, Whereabouts } from './coordinator/fleet/where.ts'
export type { Inspection, InspectOptions } from './coordinator/inspect.ts'
export type { Readiness } from './coordinator/metrics/readiness.ts'
export type { Price, PriceOptions } from './coordinator/price.ts'
export type { RunSnapshot, TenantRecord } from './coordinator/rehome.ts'
export { type OpenOptions, open, type Rehome } from './coordinator/rehome.ts'
export type { SchemaChanged, SchemaOptions } from './coordinator/schema/change-schema.ts'
export type { SchemaLibrary } from './coordinator/schema/schema-library.ts'
export type { PauseOptions, ResumeOptions, SteerOptions } from './coordinator/steer.ts'
export type { Steering } from './coordinator/steering.ts'
export type { ReportOptions, Watching } from './coordinator/watching.ts'
export { type ErrorCode, RehomeError } from './errors.ts'
export { type Dialect, type LintOptions, lint, lintTexts } from './lint/lint.ts'
export type { Finding } from './lint/rule.ts'
export type { Finding as PlanFinding } from './plan/catalogs/catalog.ts'
export {
  type ApiFence,
  type ApiRequest,
  type ApiRow,
  type ApiTable,
  api,
  type Endpoint,
  http,
  postgres,
} from './plan/endpoint.ts'
export { byHash, byLeast, byList, type Loads, type Placement } from './plan/homes/placement.ts'
export {
  type ColumnChanges,
  type DiscoverTables,
  definePlan,
  discover,
  type ExcludedTable,
  type PlanInput,
  sourceTable,
  type TablePlan,
  table,
  targetTable,
} from './plan/plan.ts'
export type { Prepare, Preparing } from './plan/preparation.ts'
export { type SharedOptions, shared } from './plan/shared-table.ts'
export { type SqlText, sql } from './plan/sql-text.ts'
export { gather, type Produced, type StreamPlan, stream, type TenantQuery } from './plan/stream.ts'
export type { OneSideOptions, TableOptions } from './plan/table-options.ts'
export { type AnyOf, anyOf } from './plan/through.ts'
export type { TransformContext } from './plan/transform-context.ts'
export type { ReportFormat } from './report/report-file.ts'
export { type Verified, type VerifyOptions, verifyReport } from './report/verify.ts'

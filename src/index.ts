/** The public API: what a script needs to move tenants, and what a plan file needs to say. */

export { type RunningWorker, startWorker, type WorkerOptions } from '../jobs/worker.ts'
export type { RunSnapshot, TenantRecord } from './coordinator/rehome.ts'
export { type OpenOptions, open, type Rehome } from './coordinator/rehome.ts'
export { type ErrorCode, RehomeError } from './errors.ts'
export { type Dialect, type LintOptions, lint, lintTexts } from './lint/lint.ts'
export type { Finding } from './lint/rule.ts'
export {
  type ApiFence,
  type ApiRequest,
  type ApiRow,
  type ApiTable,
  api,
  http,
  postgres,
} from './plan/endpoint.ts'
export {
  type ColumnChanges,
  definePlan,
  discover,
  type OneSideOptions,
  type PlanInput,
  sourceTable,
  table,
  targetTable,
} from './plan/plan.ts'
export { sql } from './plan/sql-text.ts'
export { gather, type Produced, stream, type TenantQuery } from './plan/stream.ts'
export type { TableOptions } from './plan/table-options.ts'
export { type AnyOf, anyOf } from './plan/through.ts'
export type { TransformContext } from './plan/transform-context.ts'
export type { ReportFormat } from './report/report-file.ts'
export { type Verified, type VerifyOptions, verifyReport } from './report/verify.ts'

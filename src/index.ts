/** The public API: what a script needs to move tenants, and what a plan file needs to say. */

export type { RunSnapshot, TenantRecord } from './coordinator/rehome.ts'
export { type OpenOptions, open, type Rehome } from './coordinator/rehome.ts'
export { type ErrorCode, RehomeError } from './errors.ts'
export {
  type ColumnChanges,
  definePlan,
  discover,
  http,
  type PlanInput,
  postgres,
  sql,
  type TableOptions,
  type TransformContext,
  table,
} from './plan/plan.ts'

/**
 * The package that the tenants' own application imports. It does not know how tenants are moved.
 */
export type { DatabasesOptions } from './databases.ts'
export type { Fence } from './fence.ts'
export type { Home, HomeOptions } from './home.ts'
export {
  createHomes,
  type Homes,
  type HomesOptions,
  type RunOptions,
  type UntilOptions,
} from './homes.ts'
export {
  type ActiveJobs,
  type DelayableJob,
  drainedOf,
  forEachWritableTenant,
  type Sweep,
  type WhileWritableOptions,
  whileWritable,
} from './jobs.ts'
export { fenceOf, isSerializationFailure, isTenantFenced } from './tenant-fenced.ts'
export { TenantReadOnlyError } from './tenant-read-only-error.ts'
export type { ReadOnlyModeOptions } from './web/door-options.ts'
export { createReadOnlyMode, type ReadOnlyMode } from './web/read-only-mode.ts'
export type { Refusal } from './web/refusal.ts'
export type { Texts } from './web/texts.ts'

/** What the tenants' own application imports. It knows nothing of how tenants are moved. */
export type { Fence } from './fence.ts'
export { fenceOf, isSerializationFailure, isTenantFenced } from './tenant-fenced.ts'
export { TenantReadOnlyError } from './tenant-read-only-error.ts'

/** What the tenants' own application imports. It knows nothing of how tenants are moved. */
export type { Fence } from './fence.ts'
export type { Home, HomeOptions } from './home.ts'
export { createHomes, type Homes, type HomesOptions, type RunOptions } from './homes.ts'
export { fenceOf, isSerializationFailure, isTenantFenced } from './tenant-fenced.ts'
export { TenantReadOnlyError } from './tenant-read-only-error.ts'

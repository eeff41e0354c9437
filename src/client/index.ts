/** What the tenants' own application imports. It knows nothing of how tenants are moved. */
export type { Fence } from './fence.ts'

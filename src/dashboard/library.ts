/**
 * The part of the product that the dashboard uses. `Rehome` has all of it; it is named here,
 * because the dashboard stands beside the coordinator, not on it.
 */
import type { Move, MoveEvent, Run } from '../control/database.ts'
import type { Queues } from '../queue/queues.ts'

export interface TenantRecord {
  readonly run: Run
  readonly move: Move
  readonly events: readonly MoveEvent[]
}

export interface BoardLibrary {
  readonly queues: Queues
  /** Asks for the retry in the control database, then sees to the jobs. Throws where it may not. */
  retry(runId: string, options: { readonly tenants: readonly string[] }): Promise<string[]>
  /** Throws RUN_UNKNOWN or TENANT_UNKNOWN. */
  show(runId: string, tenant: string): Promise<TenantRecord>
}

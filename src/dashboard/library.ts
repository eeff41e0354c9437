/**
 * The part of the product that the dashboard uses. `Rehome` has all of it; it is named here,
 * because the dashboard stands beside the coordinator, not on it.
 */
import type { Control, Move, MoveEvent, Run } from '../control/database.ts'
import type { Queues } from '../queue/queues.ts'

export interface TenantRecord {
  readonly run: Run
  readonly move: Move
  readonly events: readonly MoveEvent[]
}

/** Tenants to ask for, and by whom. `dryRun`: only say whether it may be asked for. */
export interface ErrandRequest {
  readonly tenants: readonly string[]
  readonly by?: string
  readonly reason?: string | undefined
  readonly dryRun?: boolean
}

type AskErrand = (runId: string, options: ErrandRequest) => Promise<string[]>

/** Asks for errands in the control database, then sees to their jobs. Throws where one may not. */
export interface BoardLibrary {
  /** Only read from here. */
  readonly control: Control
  readonly queues: Queues
  metrics(): Promise<{ readonly contentType: string; readonly text: string }>
  readiness(): Promise<{ readonly ready: boolean; readonly checks: object }>
  readonly retry: AskErrand
  readonly finalize: AskErrand
  readonly cleanup: AskErrand
  rollback(
    runId: string,
    options: ErrandRequest & { readonly discardWrites?: boolean },
  ): Promise<string[]>
  /** Throws RUN_UNKNOWN or TENANT_UNKNOWN. */
  show(runId: string, tenant: string): Promise<TenantRecord>
}

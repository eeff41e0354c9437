/**
 * The part of the product that the dashboard uses. `Rehome` has all of it; it is named here,
 * because the dashboard stands beside the coordinator, not on it.
 */
import type { InspectedTable } from '../comparison/inspection/inspect-table.ts'
import type { Control, Move, MoveEvent, Priority, Run } from '../control/database.ts'
import type { Reached } from '../control/run-moves.ts'
import { findRun } from '../control/runs/runs.ts'
import type { AskedErrand } from '../errands.ts'
import { RehomeError } from '../errors.ts'
import type { Queues } from '../queue/queues.ts'

export interface TenantRecord {
  readonly run: Run
  readonly move: Move
  readonly events: readonly MoveEvent[]
}

/** Tenants of a run. `all`, or a share or a wave: those are passed over that it may not be. */
export interface ErrandChoice {
  readonly tenants?: readonly string[] | undefined
  readonly all?: boolean | undefined
  readonly wave?: number | undefined
  readonly percent?: number | undefined
  readonly where?: string | undefined
  readonly limit?: number | undefined
  /** A rollback gives up what was written at the target since the cutover. */
  readonly discardWrites?: boolean | undefined
}

/** Tenants to ask for, and by whom. `dryRun`: only find out whether it may be asked for. */
export interface ErrandRequest extends ErrandChoice {
  readonly by?: string
  readonly reason?: string | undefined
  readonly dryRun?: boolean
}

/** A decision about a run, or about some of its tenants, or one of its waves. */
export interface SteerRequest {
  readonly by: string
  readonly reason?: string | undefined
  readonly tenants?: readonly string[] | undefined
  readonly wave?: number | undefined
  readonly dryRun?: boolean | undefined
  /** A pause lets moves under way go on. */
  readonly finish?: boolean | undefined
  /** A resume takes tenants along that were paused by themselves. */
  readonly all?: boolean | undefined
  /** An approval does without what gates and soak ask for. */
  readonly override?: boolean | undefined
}

/** Ends of moves that are cancelled. */
export type CancelEnd = 'calledOff' | 'takenBack' | 'forward'

type Steer<Tenants> = (runId: string, options: SteerRequest) => Promise<Tenants>

type AskErrand = (runId: string, options: ErrandRequest) => Promise<Reached>

/** Asks for errands in the control database, then sees to their jobs. Throws where one may not. */
export interface BoardLibrary extends Readonly<Record<AskedErrand, AskErrand>> {
  /** Only read from here. */
  readonly control: Control
  readonly queues: Queues
  metrics(): Promise<{ readonly contentType: string; readonly text: string }>
  readiness(): Promise<{ readonly ready: boolean; readonly checks: object }>
  readonly pause: Steer<Reached>
  readonly resume: Steer<Reached>
  readonly complete: Steer<Reached>
  cancel(
    runId: string,
    options: SteerRequest & {
      readonly onTenants?: (tenants: readonly string[], end: CancelEnd) => void
    },
  ): Promise<Readonly<Record<CancelEnd, Reached>>>
  /** Returns the wave. */
  approve(runId: string, options: Omit<SteerRequest, 'tenants'>): Promise<number>
  notices(runId: string): Promise<string[]>
  /** Keeps who has paused these queues; `by` null: they are resumed. */
  recordPause(queues: readonly string[], by: string | null): Promise<void>
  skip(
    runId: string,
    options: SteerRequest & { readonly tenants: readonly string[] },
  ): Promise<Reached>
  prioritize(
    runId: string,
    options: Omit<SteerRequest, 'tenants'> & { readonly priority: Priority },
  ): Promise<void>
  /** Moves at once, at a server or over all; null: as many as the workers take. */
  limitMoves(most: number | null, options: { readonly server?: string | undefined }): Promise<void>
  price(
    runId: string,
    options: ErrandChoice & {
      readonly errand: AskedErrand
      /** Called with all names, page by page. */
      readonly onTenants?: (tenants: readonly string[]) => void
    },
  ): Promise<{
    readonly costs: readonly string[]
    readonly passedOver: Readonly<Record<string, number>>
  }>
  /** One self-contained page about a run, in parts. */
  report(runId: string): AsyncIterable<string>
  /** Throws RUN_UNKNOWN or TENANT_UNKNOWN. */
  show(runId: string, tenant: string): Promise<TenantRecord>
}

export interface InspectRequest {
  readonly runId: string
  readonly tenant: string
  readonly table?: string | undefined
  readonly keys?: readonly string[] | undefined
}

/** Rows of a tenant side by side. A board without the plans of its runs has none. */
export type Inspect = (of: InspectRequest) => Promise<{
  readonly notes: readonly string[]
  readonly tables: readonly InspectedTable[]
}>

/** Throws RUN_UNKNOWN. */
export async function knownRun({ control }: BoardLibrary, id: string): Promise<Run> {
  const run = /[\0\p{Surrogate}]/u.test(id) ? undefined : await findRun(control, id)
  if (run) return run
  throw new RehomeError('RUN_UNKNOWN', `run "${id}" does not exist: see the list of runs`)
}

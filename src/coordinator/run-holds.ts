/** Reasons why the moves of a new run wait: a person, a moment, the windows of their tenants. */
import type { Hold } from '../control/runs/runs.ts'
import { RehomeError } from '../errors.ts'
import type { Plan } from '../plan/plan.ts'
import { windowsFor } from '../plan/timing/check-windows.ts'
import { momentForm, momentOf } from '../plan/timing/timing.ts'
import { type StoredWindow, storedWindows, windowAt } from '../plan/timing/windows.ts'

export interface HoldOptions {
  /** Replaces that of the plan. */
  readonly completeAfter?: string | undefined
  /** Hold every move before its cutover until a person completes it. */
  readonly until?: 'verify' | undefined
}

export interface RunHold {
  /** Nothing of an offline move is copied before its start. */
  readonly before: 'cutover' | 'start'
  /** A person has to complete them. */
  readonly untilCompleted: boolean
  readonly completeAfter: string | null
  /** null: the tenants have none. */
  readonly windows: {
    readonly tenants: number
    readonly openNow: number
    /** When the next of the others opens. */
    readonly nextAt: string | null
  } | null
}

export interface RunHolds {
  /** null: each move goes on as soon as it can. */
  readonly hold: RunHold | null
  readonly ofTenant: ReadonlyMap<string, Hold>
}

/** Throws USAGE for a moment without a zone, PLAN_INVALID for a tenant's window that is wrong. */
export async function holdsFor(
  plan: Plan,
  tenants: readonly string[],
  options: HoldOptions,
): Promise<RunHolds> {
  const untilCompleted = options.until !== undefined
  const date = completeAfterOf(plan, options)
  const ofTenant = new Map<string, Hold>()
  const at = new Date(Math.max(Date.now(), date?.getTime() ?? 0))
  const windowsOf = windowsIn(plan)
  for (const tenant of windowsOf || date || untilCompleted ? tenants : []) {
    const windows = windowsOf && (await windowsOf(tenant))
    const opensAt = windows ? opening(windows, at) : null
    ofTenant.set(tenant, { held: untilCompleted, completeAfter: opensAt ?? date, windows })
  }
  if (!windowsOf && !date && !untilCompleted) return { hold: null, ofTenant }
  const before = plan.strategy === 'online' ? 'cutover' : 'start'
  const completeAfter = date?.toISOString() ?? null
  const windows = windowsOf ? summaryOf(ofTenant, date) : null
  return { hold: { before, untilCompleted, completeAfter, windows }, ofTenant }
}

function completeAfterOf(plan: Plan, { completeAfter, until }: HoldOptions): Date | null {
  if (until !== undefined && completeAfter !== undefined) {
    const message = 'moves are held until a person completes them, or until a moment: choose one'
    throw new RehomeError('USAGE', message)
  }
  if (until !== undefined) return null
  const text = completeAfter ?? plan.completeAfter
  if (text === undefined) return null
  const date = momentOf(text)
  if (date) return date
  throw new RehomeError('USAGE', `"${text}" is no moment: it ${momentForm}`)
}

type WindowsOfTenant = (tenant: string) => Promise<readonly StoredWindow[] | null>

function windowsIn({ windows }: Plan): WindowsOfTenant | null {
  if (windows === undefined) return null
  if (typeof windows === 'function') {
    return async (tenant) => windowsFor(tenant, await windows(tenant))
  }
  const all = storedWindows(windows)
  return async () => all
}

/** null: one of them is open. */
function opening(windows: readonly StoredWindow[], at: Date): Date | null {
  const state = windowAt(windows, at)
  return state.isOpen ? null : state.opensAt
}

function summaryOf(
  ofTenant: ReadonlyMap<string, Hold>,
  date: Date | null,
): NonNullable<RunHold['windows']> {
  const windowed = [...ofTenant.values()].filter(({ windows }) => windows !== null)
  const later = windowed.flatMap(({ completeAfter }) => completeAfter?.getTime() ?? [])
  const waits = (time: number) => time > Date.now() && time !== date?.getTime()
  const openings = later.filter(waits)
  return {
    tenants: windowed.length,
    openNow: windowed.length - later.filter((time) => time > Date.now()).length,
    nextAt: openings.length === 0 ? null : new Date(Math.min(...openings)).toISOString(),
  }
}

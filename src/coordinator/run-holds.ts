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

export interface Holds {
  /** Tenants have windows of their own. */
  readonly arePerTenant: boolean
  /** undefined: it goes on as soon as it can. PLAN_INVALID for a window that is wrong. */
  readonly of: (tenant: string) => Promise<Hold | undefined>
  /** Counts the hold of one more tenant. */
  readonly count: (hold: Hold | undefined) => void
  /** About those that were counted. null: each move goes on as soon as it can. */
  readonly summary: () => RunHold | null
}

/** Holds that are kept: finding the next opening of a window takes long, and tenants share them. */
const keptMost = 1_000

/** Throws USAGE for a moment without a zone, PLAN_INVALID for windows that are wrong. */
export function holdsFor(plan: Plan, options: HoldOptions): Holds {
  const untilCompleted = options.until !== undefined
  const date = completeAfterOf(plan, options)
  const at = new Date(Math.max(Date.now(), date?.getTime() ?? 0))
  const windowsOf = windowsIn(plan)
  const isHeld = windowsOf !== null || date !== null || untilCompleted
  const holds = new Map<string, Hold>()
  const counted = { tenants: 0, later: 0, nextMs: Number.POSITIVE_INFINITY }
  const before = plan.strategy === 'online' ? ('cutover' as const) : ('start' as const)
  return {
    arePerTenant: typeof plan.windows === 'function',
    async of(tenant) {
      if (!isHeld) return undefined
      const windows = windowsOf && (await windowsOf(tenant))
      const text = JSON.stringify(windows)
      const kept = holds.get(text)
      if (kept) return kept
      const opensAt = windows ? opening(windows, at) : null
      const hold = { held: untilCompleted, completeAfter: opensAt ?? date, windows }
      if (holds.size < keptMost) holds.set(text, hold)
      return hold
    },
    count(hold) {
      if (!hold?.windows) return
      counted.tenants += 1
      const time = hold.completeAfter?.getTime() ?? 0
      if (time <= Date.now()) return
      counted.later += 1
      if (time !== date?.getTime()) counted.nextMs = Math.min(counted.nextMs, time)
    },
    summary() {
      if (!isHeld) return null
      const { tenants, later, nextMs } = counted
      const nextAt = Number.isFinite(nextMs) ? new Date(nextMs).toISOString() : null
      const windows = windowsOf ? { tenants, openNow: tenants - later, nextAt } : null
      return { before, untilCompleted, completeAfter: date?.toISOString() ?? null, windows }
    },
  }
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

/**
 * Windows: the times at which a tenant may be cut over, or may begin where the plan is offline.
 * Each opens by a cron expression in a time zone, and is open for so long. Pure.
 */
import { Cron } from 'croner'
import { durationMs } from '../../duration.ts'

export interface Window {
  /** Five fields: minute, hour, day of the month, month, day of the week. `0 2 * * 1-5` */
  readonly opens: string
  /** How long it is open: `3h`. */
  readonly for: string
  /** `Europe/Berlin`. Default: UTC. */
  readonly zone?: string | undefined
}

export type Windows = Window | readonly Window[]

/** Returns those of one tenant. null: at any time. */
export type WindowsOf = (tenant: string) => Windows | null | Promise<Windows | null>

/** A window as the control database keeps it. */
export interface StoredWindow {
  readonly opens: string
  readonly forMs: number
  readonly zone: string
}

export type WindowState =
  | { readonly isOpen: true; readonly until: Date }
  /** null: it never opens again. */
  | { readonly isOpen: false; readonly opensAt: Date | null; readonly forMs: number }

/** The shortest time for which a window is open. */
const windowLeastMs = 60_000
const weekMs = 7 * 24 * 3_600_000

/** null: it is right. Else why not. */
export function whyNoWindow({ opens, for: length, zone = 'UTC' }: Window): string | null {
  if (opens.trim().split(/\s+/).length !== 5) {
    return `\`opens\` is "${opens}": it has five fields, e.g. '0 2 * * 1-5' (02:00, Monday to Friday)`
  }
  const ms = lengthOf(length)
  if (ms === null || ms < windowLeastMs || ms > weekMs) {
    return `\`for\` is "${length}": it is a length of time from 1m to 7d, e.g. '3h'`
  }
  if (!isZone(zone)) return `\`zone\` is "${zone}": no such time zone, write e.g. 'Europe/Berlin'`
  try {
    if (cronOf({ opens, zone }).nextRun() !== null) return null
    return `\`opens\` is "${opens}": it never opens`
  } catch {
    return `\`opens\` is "${opens}": no cron expression, write e.g. '0 2 * * 1-5'`
  }
}

export function storedWindows(windows: Windows): StoredWindow[] {
  const list = 'opens' in windows ? [windows] : windows
  return list.map(({ opens, for: length, zone = 'UTC' }) => {
    return { opens, forMs: durationMs(length), zone }
  })
}

/** Whether one of them is open at a moment, until when, or when the next one opens. */
export function windowAt(windows: readonly StoredWindow[], at: Date): WindowState {
  const ends = windows.flatMap((window) => endOfOpen(window, at) ?? [])
  if (ends.length > 0) return { isOpen: true, until: latest(ends) }
  const next = windows.flatMap((window) => {
    const opensAt = cronOf(window).nextRun(at)
    return opensAt ? [{ opensAt, forMs: window.forMs }] : []
  })
  const [first] = next.toSorted((a, b) => a.opensAt.getTime() - b.opensAt.getTime())
  return { isOpen: false, opensAt: first?.opensAt ?? null, forMs: first?.forMs ?? 0 }
}

/** The longest of them, in ms. */
export function longestMs(windows: readonly StoredWindow[]): number {
  return Math.max(0, ...windows.map(({ forMs }) => forMs))
}

/** null: it is closed. One that opens again while it is open is open for longer. */
function endOfOpen(window: StoredWindow, at: Date): Date | null {
  const cron = cronOf(window)
  let opened: Date | null = null
  let next = cron.nextRun(new Date(at.getTime() - window.forMs))
  while (next && next <= at) {
    opened = next
    next = cron.nextRun(next)
  }
  return opened && new Date(opened.getTime() + window.forMs)
}

function latest(dates: readonly Date[]): Date {
  return new Date(Math.max(...dates.map((date) => date.getTime())))
}

function cronOf({ opens, zone }: Pick<StoredWindow, 'opens' | 'zone'>): Cron {
  return new Cron(opens, { timezone: zone, paused: true })
}

function lengthOf(text: string): number | null {
  try {
    return durationMs(text)
  } catch {
    return null
  }
}

function isZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone })
    return true
  } catch {
    return false
  }
}

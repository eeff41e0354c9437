/**
 * The chaos' log of what it did and when, for the account of a run that went wrong.
 *
 * It holds no opinion. Times are in ms since the start, by the monotonic clock.
 */
export interface Note {
  readonly atMs: number
  /** The author: `fault`, `errand`, `worker`, `event`. */
  readonly by: string
  readonly tenant: string | null
  readonly text: string
}

export class Log {
  readonly startedAt = Date.now()
  readonly #start = performance.now()
  readonly #notes: Note[] = []

  nowMs(): number {
    return performance.now() - this.#start
  }

  note(by: string, text: string, tenant: string | null = null): void {
    this.#notes.push({ atMs: this.nowMs(), by, tenant, text })
  }

  /** Adds a note of another part, with its own time. */
  add(note: Note): void {
    this.#notes.push(note)
  }

  /** In order of time; with those that concern everybody. */
  of(tenants: ReadonlySet<string>): Note[] {
    return this.#notes
      .filter(({ tenant }) => tenant === null || tenants.has(tenant))
      .sort((left, right) => left.atMs - right.atMs)
  }
}

export function lineOf({ atMs, by, tenant, text }: Note): string {
  const who = tenant === null ? '' : ` ${tenant}`
  return `${Math.round(atMs).toString().padStart(7)} ms  ${by}${who}: ${text}`
}

/**
 * The application's record of its own writes: which it began, and what became of each.
 *
 * It looks into no database (check-ledger.ts does), and forgets nothing. Invariant: a write is
 * `acknowledged` only once its COMMIT was answered, and `undone` only where the server said so;
 * what lies between is `unknown`, and nothing is concluded from it.
 */
import { randomUUID } from 'node:crypto'

export type EndName = 'source' | 'target'

/**
 * `comment` inserts a comment. `edit` counts up a task's edits and notes it in the activity. `task`
 * inserts a task with an item on its checklist. `erase` deletes an earlier comment or task of ours.
 */
export type WriteKind = 'comment' | 'edit' | 'task' | 'erase'

/** `open`: under way. `undone`: refused or failed, so it must have left nothing. */
export type Outcome = 'open' | 'acknowledged' | 'undone' | 'unknown'

export const isolations = ['read committed', 'repeatable read', 'serializable'] as const

export interface Write {
  /** Stored in every row that the write makes. */
  readonly id: string
  readonly tenant: string
  readonly kind: WriteKind
  readonly isolation: (typeof isolations)[number]
  /** The task that is edited or commented on. */
  readonly task: string
  /** The write that it erases. */
  readonly erases: Write | null
  outcome: Outcome
  /**
   * Where it was acknowledged, and between which two moments of performance.now() it happened
   * there.
   */
  end: EndName | null
  startedMs: number
  endedMs: number
}

/** The place and time of a write. */
export type Timed = Pick<Write, 'tenant' | 'outcome' | 'end' | 'startedMs' | 'endedMs'>

export type NewWrite = Pick<Write, 'tenant' | 'kind' | 'isolation' | 'task' | 'erases'>

export class Ledger {
  readonly #writes = new Map<string, Write>()
  /**
   * Tenant → its writes that may be erased; taken from here once, so that nothing is erased twice.
   */
  readonly #erasable = new Map<string, Write[]>()
  /** Task → how often it had been edited when the application first saw it. */
  readonly editsBefore = new Map<string, { tenant: string; edits: number }>()

  begin(input: NewWrite): Write {
    const times = { startedMs: 0, endedMs: 0 }
    const write: Write = { ...input, id: randomUUID(), outcome: 'open', end: null, ...times }
    this.#writes.set(write.id, write)
    return write
  }

  acknowledge(write: Write, at: { end: EndName; startedMs: number }): void {
    Object.assign(write, at, { outcome: 'acknowledged', endedMs: performance.now() })
    if (write.kind !== 'comment' && write.kind !== 'task') return
    const erasable = this.#erasable.get(write.tenant) ?? []
    this.#erasable.set(write.tenant, [...erasable, write].slice(-20))
  }

  settle(write: Write, outcome: 'undone' | 'unknown'): void {
    write.outcome = outcome
  }

  /** The oldest of the tenant's comments and tasks that no write is erasing yet. */
  takeErasable(tenant: string): Write | null {
    return this.#erasable.get(tenant)?.shift() ?? null
  }

  get(id: string): Write | undefined {
    return this.#writes.get(id)
  }

  writes(): Write[] {
    return [...this.#writes.values()]
  }
}

/**
 * How often each tenant has changed its home as far as its acknowledged writes prove it: the
 * longest chain of writes at alternating ends, each begun after the one before was acknowledged.
 * More changes than moves (and rollbacks) mean that both ends took writes at one time.
 */
export function homeChanges(ledger: { writes(): Timed[] }): ReadonlyMap<string, number> {
  const byTenant = new Map<string, Timed[]>()
  for (const write of ledger.writes()) {
    if (write.outcome !== 'acknowledged') continue
    const writes = byTenant.get(write.tenant) ?? []
    if (writes.push(write) === 1) byTenant.set(write.tenant, writes)
  }
  return new Map(
    [...byTenant].map(([tenant, writes]) => [
      tenant,
      Math.max(changesFrom('source', writes), changesFrom('target', writes)),
    ]),
  )
}

/** Always going on with the write that was acknowledged first leaves the most room for the next. */
function changesFrom(first: EndName, writes: readonly Timed[]): number {
  const inOrder = writes.toSorted((left, right) => left.endedMs - right.endedMs)
  let end = first
  let after = Number.NEGATIVE_INFINITY
  let found = 0
  for (;;) {
    const next = inOrder.find((write) => write.end === end && write.startedMs > after)
    if (!next) return Math.max(0, found - 1)
    found += 1
    after = next.endedMs
    end = otherEnd(end)
  }
}

export function otherEnd(end: EndName): EndName {
  return end === 'source' ? 'target' : 'source'
}

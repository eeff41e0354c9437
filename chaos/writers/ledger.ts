/**
 * The writers' record of their writes: which they began, what became of each, and
 * which rows that has to leave.
 *
 * It looks into no database and forgets nothing. Invariant: `acknowledged` only once COMMIT was
 * answered, `undone` only where it certainly left nothing; the rest is `unknown`.
 */
import { randomUUID } from 'node:crypto'
import type { EndName, isolations, Outcome } from '../../demo/application/ledger.ts'

/**
 * `add`: an entry and its tag. `many`, `copy`: entries by one statement. `count`: an entry, and a
 * counter goes up. `visit`: rows of a partitioned table. `erase`: an earlier write's rows go.
 */
export type Kind = 'add' | 'many' | 'copy' | 'count' | 'visit' | 'erase'

/**
 * `slow` holds its transaction open for seconds. `savepoint` writes rows and takes them back before
 * its own. `undone` does everything but the COMMIT.
 */
export type Style = 'plain' | 'slow' | 'savepoint' | 'undone'

export interface Write {
  /** Stored in each row that the write makes. */
  readonly id: string
  readonly tenant: string
  readonly kind: Kind
  readonly style: Style
  readonly isolation: (typeof isolations)[number]
  /** How many rows it makes in its table. */
  readonly parts: number
  readonly counter: string | null
  readonly erases: Write | null
  outcome: Outcome
  /** Where it was tried last, and between which moments of performance.now(). */
  end: EndName | null
  startedMs: number
  endedMs: number
  /** The transaction's number at that end. */
  xid: string | null
}

export type NewWrite = Pick<
  Write,
  'tenant' | 'kind' | 'style' | 'isolation' | 'parts' | 'counter' | 'erases'
>

export interface MadeRow {
  readonly table: 'entries' | 'entry_tags' | 'visits'
  readonly part: number
}

/** Rows of a write once it is committed. */
export function rowsOf({ kind, parts }: Pick<Write, 'kind' | 'parts'>): MadeRow[] {
  if (kind === 'erase') return []
  const numbers = Array.from({ length: parts }, (_, i) => i + 1)
  if (kind === 'visit') return numbers.map((part) => ({ table: 'visits', part }))
  const entries = numbers.map((part): MadeRow => ({ table: 'entries', part }))
  return kind === 'add' ? [...entries, { table: 'entry_tags', part: 1 }] : entries
}

export class Ledger {
  readonly #writes = new Map<string, Write>()
  /** Tenant → its writes that may be erased; each is taken from here once. */
  readonly #erasable = new Map<string, Write[]>()

  begin(input: NewWrite): Write {
    const open = { outcome: 'open', end: null, startedMs: 0, endedMs: 0, xid: null } as const
    const write: Write = { ...input, ...open, id: randomUUID() }
    this.#writes.set(write.id, write)
    return write
  }

  acknowledge(write: Write): void {
    write.outcome = 'acknowledged'
    if (write.kind === 'erase' || write.kind === 'count') return
    const erasable = this.#erasable.get(write.tenant) ?? []
    if (erasable.push(write) === 1) this.#erasable.set(write.tenant, erasable)
  }

  settle(write: Write, outcome: 'undone' | 'unknown'): void {
    write.outcome = outcome
  }

  /** The oldest of the tenant's writes that may be erased, if there are more than `keep`. */
  takeErasable(tenant: string, keep: number): Write | null {
    const erasable = this.#erasable.get(tenant) ?? []
    return erasable.length > keep ? (erasable.shift() ?? null) : null
  }

  get(id: string): Write | undefined {
    return this.#writes.get(id)
  }

  writes(): Write[] {
    return [...this.#writes.values()]
  }

  count(outcome: Outcome): number {
    return this.writes().filter((write) => write.outcome === outcome).length
  }
}

/**
 * When something that a tenant's way back to writing depends on was not there.
 *
 * Invariant: an outage that has begun and not ended lasts until now. Times are those of
 * performance.now().
 */
import type { EndName } from '../../demo/application/ledger.ts'

export type Part =
  | 'source'
  | 'target'
  | 'control'
  | 'redis'
  | `worker ${number}`
  /** The wires of those that write over proxies. */
  | 'writers'
  /** Tables there that are locked, or wait for a lock: writers wait behind. */
  | `tables ${EndName}`
  /** One that a transaction of the application holds. */
  | `tenant ${string}`

interface Span {
  readonly fromMs: number
  readonly toMs: number
}

interface Outage {
  readonly of: Part
  readonly fromMs: number
  toMs: number | null
}

export class Outages {
  readonly #outages: Outage[] = []

  /** Returns what ends it. */
  begin(of: Part): () => void {
    const outage: Outage = { of, fromMs: performance.now(), toMs: null }
    this.#outages.push(outage)
    return () => {
      outage.toMs ??= performance.now()
    }
  }

  /** An outage whose ends are known. */
  add(of: Part, { fromMs, toMs }: Span): void {
    this.#outages.push({ of, fromMs, toMs })
  }

  /**
   * For how long, within a span, one of `any` was out, or all of `all` at once. What was out twice
   * at a time counts once.
   */
  outMs(span: Span, parts: { any: readonly Part[]; all: readonly Part[] }): number {
    const cut = (of: Part) => this.#within(span, of)
    const [first, ...others] = parts.all.map(cut)
    const together = others.reduce((left, right) => intersection(left, right), first ?? [])
    return lengthOf([...parts.any.flatMap(cut), ...together])
  }

  #within(span: Span, of: Part): Span[] {
    const now = performance.now()
    const own = this.#outages.filter((outage) => outage.of === of)
    const spans = own.map(({ fromMs, toMs }) => ({ fromMs, toMs: toMs ?? now }))
    return intersection([span], union(spans))
  }
}

function union(spans: readonly Span[]): Span[] {
  const merged: { fromMs: number; toMs: number }[] = []
  for (const { fromMs, toMs } of spans.toSorted((a, b) => a.fromMs - b.fromMs)) {
    const last = merged.at(-1)
    if (last && fromMs <= last.toMs) last.toMs = Math.max(last.toMs, toMs)
    else merged.push({ fromMs, toMs })
  }
  return merged
}

function intersection(left: readonly Span[], right: readonly Span[]): Span[] {
  return left
    .flatMap((a) =>
      right.map((b) => ({
        fromMs: Math.max(a.fromMs, b.fromMs),
        toMs: Math.min(a.toMs, b.toMs),
      })),
    )
    .filter(({ fromMs, toMs }) => fromMs < toMs)
}

function lengthOf(spans: readonly Span[]): number {
  return union(spans).reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0)
}

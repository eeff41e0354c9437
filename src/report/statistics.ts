/** Sums and distributions over a run's tenants. Keeps two numbers a tenant, and nothing else. */
import type { TenantReport } from './tenant-report.ts'

/** Times by size, in bars from `fromMs` to below `toMs`: 1, 2, 5, 10, 20, … ms. */
export interface Distribution {
  readonly count: number
  readonly medianMs: number | null
  readonly p99Ms: number | null
  readonly slowestMs: number | null
  readonly slowestTenant: string | null
  /** From the first bar with a tenant to the last one. */
  readonly bars: readonly {
    readonly fromMs: number
    readonly toMs: number
    readonly count: number
  }[]
}

export interface Totals {
  readonly tenants: number
  readonly open: number
  readonly rowsCopied: number
  /** Tenants whose tables were all compared and found equal. */
  readonly provenEqual: number
  /** Tenants with something that was not proven. */
  readonly withNotProven: number
  readonly phases: Readonly<Record<string, number>>
  readonly failures: Readonly<Record<string, number>>
  readonly pauses: Distribution
  readonly durations: Distribution
}

type Counted = Pick<
  TenantReport,
  | 'tenant'
  | 'open'
  | 'phase'
  | 'error'
  | 'rowsCopied'
  | 'pauseMs'
  | 'durationMs'
  | 'tables'
  | 'notProven'
>

export function createTotals(): { add(tenant: Counted): void; end(): Totals } {
  const [pauses, durations] = [createTimes(), createTimes()]
  const [phases, failures] = [createCounts(), createCounts()]
  const sums = { tenants: 0, open: 0, rowsCopied: 0, provenEqual: 0, withNotProven: 0 }
  return {
    add(tenant) {
      sums.tenants += 1
      sums.rowsCopied += tenant.rowsCopied
      if (tenant.open) sums.open += 1
      if (isProven(tenant)) sums.provenEqual += 1
      if (tenant.notProven.length > 0) sums.withNotProven += 1
      phases.add(tenant.phase)
      if (tenant.error) failures.add(tenant.error.code)
      pauses.add(tenant.pauseMs, tenant.tenant)
      durations.add(tenant.durationMs, tenant.tenant)
    },
    end: () => ({
      ...sums,
      phases: phases.end(),
      failures: failures.end(),
      pauses: pauses.end(),
      durations: durations.end(),
    }),
  }
}

export function isProven({ tables }: Pick<TenantReport, 'tables'>): boolean {
  return tables.length > 0 && tables.every(({ equal }) => equal === true)
}

function createCounts() {
  const counts = new Map<string, number>()
  return {
    add: (name: string) => void counts.set(name, (counts.get(name) ?? 0) + 1),
    end: () => Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1))),
  }
}

function createTimes() {
  const times: number[] = []
  let slowest: { ms: number; tenant: string } | null = null
  return {
    add(ms: number | null, tenant: string) {
      if (ms === null) return
      times.push(ms)
      if (!slowest || ms > slowest.ms) slowest = { ms, tenant }
    },
    end(): Distribution {
      const sorted = Float64Array.from(times).sort()
      const at = (share: number) => sorted[Math.ceil(share * sorted.length) - 1] ?? null
      return {
        count: sorted.length,
        medianMs: at(0.5),
        p99Ms: at(0.99),
        slowestMs: slowest?.ms ?? null,
        slowestTenant: slowest?.tenant ?? null,
        bars: barsOf(sorted),
      }
    },
  }
}

/** 0, 1, 2, 5, 10, 20, 50, … */
function boundOf(i: number): number {
  if (i === 0) return 0
  return ([1, 2, 5][(i - 1) % 3] ?? 1) * 10 ** Math.floor((i - 1) / 3)
}

function barsOf(sorted: Float64Array): Distribution['bars'] {
  const bars: { fromMs: number; toMs: number; count: number }[] = []
  for (let bar = 0, next = 0; next < sorted.length; bar += 1) {
    const [fromMs, toMs] = [boundOf(bar), boundOf(bar + 1)]
    const first = next
    while (next < sorted.length && (sorted[next] ?? 0) < toMs) next += 1
    if (next > 0) bars.push({ fromMs, toMs, count: next - first })
  }
  return bars
}

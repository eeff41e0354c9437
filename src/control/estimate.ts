/**
 * Estimates when a run ends, from how many of its tenants ended lately. Pure.
 *
 * Ends are taken for independent events of one rate (a Poisson process): n of them in a window tell
 * that the rate is n ± 1.96 √n a window, with 95 % confidence. Tenants differ in size, so the
 * range is one of the rate, not a promise.
 */

export interface Lately {
  readonly remaining: number
  /** Tenants that ended within the window, and the rows that they have. */
  readonly ended: number
  readonly rows: number
  readonly windowMs: number
}

export interface Estimate {
  /** null: too little has ended to tell. */
  readonly tenantsPerMinute: number | null
  readonly rowsPerSecond: number | null
  /** Time until the last tenant ends, in ms; `toMs` may be infinite and is null then. */
  readonly left: {
    readonly ms: number
    readonly fromMs: number
    readonly toMs: number | null
  } | null
}

/** So few prove nothing about the others. */
const endedMin = 5
const windowMinMs = 1_000

export function estimateOf({ remaining, ended, rows, windowMs }: Lately): Estimate {
  if (ended < endedMin || windowMs < windowMinMs) {
    return { tenantsPerMinute: null, rowsPerSecond: null, left: null }
  }
  const spread = 1.96 * Math.sqrt(ended)
  const leftAt = (count: number) => Math.round((remaining * windowMs) / count)
  return {
    tenantsPerMinute: (ended / windowMs) * 60_000,
    rowsPerSecond: (rows / windowMs) * 1000,
    left:
      remaining === 0
        ? null
        : {
            ms: leftAt(ended),
            fromMs: leftAt(ended + spread),
            toMs: ended > spread ? leftAt(ended - spread) : null,
          },
  }
}

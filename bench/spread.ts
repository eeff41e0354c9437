/** Medians of few, noisy samples. Pure. */

export interface Spread {
  readonly median: number
  /** The quartiles: half of the samples lie between them. */
  readonly low: number
  readonly high: number
  readonly samples: readonly number[]
}

/** Throws where there is no sample. */
export function spreadOf(samples: readonly number[]): Spread {
  const sorted = [...samples].sort((a, b) => a - b)
  const at = (share: number) => {
    const place = (sorted.length - 1) * share
    const [below, above] = [sorted[Math.floor(place)], sorted[Math.ceil(place)]]
    if (below === undefined || above === undefined) throw new Error('there is no sample')
    return below + (above - below) * (place - Math.floor(place))
  }
  return { median: at(0.5), low: at(0.25), high: at(0.75), samples }
}

/** One ratio a round: what disturbs the machine for longer than a round disturbs both alike. */
export function ratiosOf(above: readonly number[], below: readonly number[]): Spread {
  return spreadOf(above.map((value, round) => value / (below[round] ?? Number.NaN)))
}

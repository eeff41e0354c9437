// Waves of a plan with the tenants that they take, without a database.
import {
  type RunWave,
  schedule,
  type TenantView,
  takerOf,
  type Wave,
} from '../../src/plan/waves.ts'

export interface TakenWave {
  readonly wave: RunWave
  readonly tenants: readonly string[]
}

/** `tenants`: in the order in which they are to begin. */
export function scheduled(
  waves: readonly Wave[],
  tenants: readonly string[],
  viewOf: (tenant: string) => Omit<TenantView, 'named'>,
): TakenWave[] {
  const named = (tenant: string) =>
    waves.flatMap((wave, i) =>
      Array.isArray(wave.tenants) && wave.tenants.includes(tenant) ? [i] : [],
    )
  const takes = takerOf(waves)
  const places = tenants.map((tenant) => takes({ ...viewOf(tenant), named: named(tenant) }))
  const counts = waves.map((_, i) => places.filter((place) => place === i).length)
  const { waves: kept, numberOf } = schedule(waves, counts)
  return kept.map((wave, i) => {
    const own = tenants.filter((_, k) => numberOf(places[k] ?? 0) === i + 1)
    return { wave, tenants: own }
  })
}

/** How long ago this process has renewed the leases that it holds: for metrics. */
import { now } from '../clock.ts'

/** When a lease was renewed last, by the monotonic clock in ms. */
export interface Renewal {
  at: number
}

const held = new Set<Renewal>()

/** Returns the time of its start, from which it counts as renewed. */
export function startLease(renewal: Renewal): number {
  held.add(renewal)
  renewal.at = now()
  return renewal.at
}

export function forgetLease(renewal: Renewal): void {
  held.delete(renewal)
}

export function leases(): readonly Renewal[] {
  return [...held]
}

/** Age of the lease that was renewed longest ago, in seconds. 0: this process holds none. */
export function leaseAgeS(): number {
  const ages = leases().map(({ at }) => (now() - at) / 1000)
  return Math.max(0, ...ages)
}

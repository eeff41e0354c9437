/** Waits until something changes for a tenant; the number of waiters is limited. */
import { setMaxListeners } from 'node:events'

export interface Waiting {
  /** false: the limit is reached. A caller that was let in calls `leave` at its end. */
  enter(): boolean
  leave(): void
  /**
   * Resolves when the time is over, something has changed for the tenant, or the signal is aborted.
   */
  sleep(
    tenant: string,
    until: { readonly ms: number; readonly signal?: AbortSignal | undefined },
  ): Promise<void>
  /** Wakes the waiters of a tenant; null: of all tenants. */
  wake(tenant: string | null): void
}

/** `waitersMax`: the limit for all tenants together. */
export function createWaiting(waitersMax: number): Waiting {
  const sleeping = new Map<string, Set<() => void>>()
  let waiters = 0
  return {
    enter() {
      if (waiters >= waitersMax) return false
      waiters += 1
      return true
    },
    leave() {
      waiters -= 1
    },
    sleep: (tenant, { ms, signal }) =>
      new Promise((resolve) => {
        const ofTenant = sleeping.get(tenant) ?? new Set()
        sleeping.set(tenant, ofTenant)
        const wake = () => {
          clearTimeout(timer)
          signal?.removeEventListener('abort', wake)
          ofTenant.delete(wake)
          if (ofTenant.size === 0 && sleeping.get(tenant) === ofTenant) sleeping.delete(tenant)
          resolve()
        }
        const timer = setTimeout(wake, ms)
        ofTenant.add(wake)
        // One signal may end any number of waits.
        if (signal) setMaxListeners(0, signal)
        signal?.addEventListener('abort', wake, { once: true })
        if (signal?.aborted) wake()
      }),
    wake(tenant) {
      const woken = tenant === null ? [...sleeping.values()] : [sleeping.get(tenant) ?? new Set()]
      for (const ofTenant of woken) for (const wake of [...ofTenant]) wake()
    },
  }
}

/** Those who wait until something changes for a tenant, and not too many of them. */
import { setMaxListeners } from 'node:events'

export interface Waiting {
  /** false: as many as may wait are waiting. Who was let in says when it leaves. */
  enter(): boolean
  leave(): void
  /** Until the time is over, something has changed for the tenant, or the signal is aborted. */
  sleep(
    tenant: string,
    until: { readonly ms: number; readonly signal?: AbortSignal | undefined },
  ): Promise<void>
  /** null: for all of them. */
  wake(tenant: string | null): void
}

/** `waitersMax`: of all tenants together. */
export function createWaiting(waitersMax: number): Waiting {
  const asleep = new Map<string, Set<() => void>>()
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
        const beds = asleep.get(tenant) ?? new Set()
        asleep.set(tenant, beds)
        const rise = () => {
          clearTimeout(timer)
          signal?.removeEventListener('abort', rise)
          beds.delete(rise)
          if (beds.size === 0 && asleep.get(tenant) === beds) asleep.delete(tenant)
          resolve()
        }
        const timer = setTimeout(rise, ms)
        beds.add(rise)
        // One signal may end any number of waits.
        if (signal) setMaxListeners(0, signal)
        signal?.addEventListener('abort', rise, { once: true })
        if (signal?.aborted) rise()
      }),
    wake(tenant) {
      const woken = tenant === null ? [...asleep.values()] : [asleep.get(tenant) ?? new Set()]
      for (const beds of woken) for (const rise of [...beds]) rise()
    },
  }
}

/** Hears of changed flags at all homes. */
import { wholeApplication } from './flags.ts'
import type { KnownHome } from './home.ts'
import { type Listener, listen, notification } from './listener.ts'

export interface Listeners {
  /** Repeating it changes nothing. */
  begin(): void
  hears(home: string): boolean
  hearsAll(): boolean
  close(): Promise<void>
}

/** Calls `onChange` with the tenant's hash; null: any tenant may have changed. */
export function createListeners(
  homes: ReadonlyMap<string, KnownHome<unknown>>,
  onChange: (tenantHash: string | null) => void,
): Listeners {
  const listeners = new Map<string, Listener>()
  let begun = false
  const hears = (home: string) => listeners.get(home)?.isListening() ?? false
  return {
    begin() {
      if (begun) return
      begun = true
      for (const home of homes.values()) {
        const listener = listenAt(home, onChange)
        if (listener) listeners.set(home.name, listener)
      }
    },
    hears,
    hearsAll: () => [...homes.keys()].every(hears),
    async close() {
      begun = true
      await Promise.all([...listeners.values()].map((listener) => listener.close()))
    },
  }
}

function listenAt(
  { pool, connect, scope }: KnownHome<unknown>,
  onChange: (tenantHash: string | null) => void,
): Listener | null {
  if (!pool || !connect) return null
  return listen({
    connect,
    notify: (payload) => pool.query(...notification(payload)),
    onChange(changed) {
      if (changed && changed.scope !== scope) return
      const { tenantHash = null } = changed ?? {}
      onChange(tenantHash === wholeApplication ? null : tenantHash)
    },
  })
}

// What an application knows of its fences, read from its database itself: each look is a query, and
// each wait ends by asking again and again.
import { setTimeout as delay } from 'node:timers/promises'
import type { Fence } from '../../../src/client/index.ts'
import type { Fenced } from '../fence/fenced.ts'

const flags = `select scope, tenant_id as tenant, mode, reason, retry_after_s as "retryAfterS",
    moved_to as "movedTo", epoch::text as key
  from rehome.tenant_flags where tenant_id = $1 and mode <> 'capturing'`

export interface TestHomes {
  look(tenant: string): Promise<Fence | null>
  untilWritable(tenant: string, limits: { ms: number; signal: AbortSignal }): Promise<boolean>
  /** How many wait just now. */
  readonly waiting: number
}

export function homesOf(db: Fenced): TestHomes {
  let waiting = 0
  const look = async (tenant: string): Promise<Fence | null> => {
    const { rows } = await db.pool.query<Omit<Fence, 'indefinite'>>(flags, [tenant])
    return rows[0] ? { ...rows[0], indefinite: /^for good/.test(rows[0].reason) } : null
  }
  return {
    look,
    async untilWritable(tenant, { ms, signal }) {
      const deadline = performance.now() + ms
      waiting += 1
      try {
        while (await look(tenant)) {
          if (performance.now() > deadline) return false
          await delay(10, undefined, { signal })
        }
        return true
      } finally {
        waiting -= 1
      }
    },
    get waiting() {
      return waiting
    },
  }
}

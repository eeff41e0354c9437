/**
 * One try at one write by way of the client: what a fence refuses waits, and is tried again at the
 * home that the tenant has then, without anybody above noticing it.
 */
import type { Pool } from 'pg'
import { createHomes, type Homes, TenantReadOnlyError } from 'rehome/client'
import type { Pools } from './home.ts'
import type { EndName, Write } from './ledger.ts'
import { codeOf, type FenceMode, tryWrite, type Verdict } from './transact.ts'

export type AppHomes = Homes<Pool>

/** `hold`: how long a write waits at the most. */
export function openHomes({ source, target }: Pools, hold: string): AppHomes {
  return createHomes({ homes: { source: { db: source }, target: { db: target } }, hold })
}

export interface HeldTry {
  readonly write: Write
  readonly think: () => Promise<void>
  /** Each time a fence says no. */
  readonly onRefused: (mode: FenceMode) => void
}

export interface Held {
  readonly verdict: Verdict
  /** The end of the last try. */
  readonly end: EndName
  readonly startedMs: number
}

/** Never rejects. `refused` counts writes that have waited in vain. */
export async function tryHeld(homes: AppHomes, held: HeldTry): Promise<Held> {
  const { write, think, onRefused } = held
  let last: Omit<Held, 'verdict'> = { end: 'source', startedMs: performance.now() }
  try {
    const verdict = await homes.run(write.tenant, async (pool, { name }) => {
      const end = name === 'target' ? 'target' : 'source'
      last = { end, startedMs: performance.now() }
      const verdict = await tryWrite({ pool, end, write, think })
      if (verdict.kind !== 'refused') return verdict
      onRefused(verdict.mode)
      throw verdict.error
    })
    return { ...last, verdict }
  } catch (error) {
    return { ...last, verdict: verdictOf(error) }
  }
}

function verdictOf(error: unknown): Verdict {
  if (!(error instanceof TenantReadOnlyError)) return { kind: 'failed', code: codeOf(error) }
  const { mode, key } = error.fence
  return { kind: 'refused', mode, key, error }
}

/** A run before it is stored: its tenants in their waves, with their holds. */
import type { Candidates, Chosen } from '../../control/fleet/candidates.ts'
import { listedMax, type Reached } from '../../control/run-moves.ts'
import type { Hold } from '../../control/runs/runs.ts'
import type { Plan } from '../../plan/plan.ts'
import { type RunWave, schedule, takerOf } from '../../plan/waves.ts'
import type { Holds, RunHold } from '../run-holds.ts'

export interface Drafted extends Chosen {
  /** The number of its wave, from 1. */
  readonly wave: number
}

export interface Draft {
  /** Empty: all tenants may begin at once. */
  readonly waves: readonly RunWave[]
  /** The tenants of each wave; of a run without waves those of all. Empty: there is no tenant. */
  readonly reached: readonly Reached[]
  readonly hold: RunHold | null
  /** In the order of the plan: those of different waves stand among each other. */
  readonly walk: () => AsyncGenerator<readonly Drafted[]>
  readonly holdOf: (tenant: Drafted) => Promise<Hold | undefined>
}

interface Given {
  readonly plan: Pick<Plan, 'waves'>
  readonly holds: Holds
  readonly candidates: Candidates
  readonly walk: () => AsyncGenerator<readonly Chosen[]>
}

/** Walks through all tenants once. Throws PLAN_INVALID for a tenant's window that is wrong. */
export async function draftOf({ plan, holds, candidates, walk }: Given): Promise<Draft> {
  const waves = plan.waves ?? []
  const taken: { count: number; tenants: string[] }[] = []
  const takes = takerOf(waves)
  for await (const page of walk()) {
    for (const chosen of page) {
      const wave = takes(chosen)
      taken[wave] ??= { count: 0, tenants: [] }
      const { tenants } = taken[wave]
      taken[wave].count += 1
      if (tenants.length < listedMax) tenants.push(chosen.tenant)
    }
    await countHolds(holds, candidates, page)
  }
  const counts = Array.from({ length: Math.max(1, waves.length) }, (_, i) => taken[i]?.count ?? 0)
  const { waves: kept, numberOf } = schedule(waves, counts)
  return {
    waves: kept,
    reached: taken.filter(({ count }) => count > 0),
    hold: holds.summary(),
    async *walk() {
      const takesAgain = takerOf(waves)
      for await (const page of walk()) {
        yield page.map((chosen) => ({ ...chosen, wave: numberOf(takesAgain(chosen)) }))
      }
    },
    holdOf: async ({ tenant, hold }) => hold ?? (await holds.of(tenant)),
  }
}

/** Those of a function of the plan are kept, so that it is called once for each tenant. */
async function countHolds(
  holds: Holds,
  candidates: Candidates,
  page: readonly Chosen[],
): Promise<void> {
  const own: { n: number; hold: Hold }[] = []
  for (const { n, tenant } of page) {
    const hold = await holds.of(tenant)
    holds.count(hold)
    if (hold) own.push({ n, hold })
  }
  if (holds.arePerTenant) await candidates.hold(own)
}

/** All of these waves, one after another. */
export function reachedByAll(waves: readonly Reached[]): Reached {
  return {
    count: waves.reduce((sum, { count }) => sum + count, 0),
    tenants: waves.flatMap(({ tenants }) => tenants).slice(0, listedMax),
  }
}

/** All names in the order in which they begin, in pages: reads them once for each wave. */
export async function* namesIn(draft: Draft): AsyncGenerator<string[]> {
  for (const [i] of draft.reached.entries()) {
    for await (const page of draft.walk()) {
      const own = page.filter(({ wave }) => wave === i + 1).map(({ tenant }) => tenant)
      if (own.length > 0) yield own
    }
  }
}

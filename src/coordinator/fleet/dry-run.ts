/** The schedule that a run would follow, as a dry run of `enqueue` reports it. Changes nothing. */
import type { Control } from '../../control/database.ts'
import { samplesOf } from '../../control/fleet/samples.ts'
import type { Reached } from '../../control/run-moves.ts'
import { movesAtOnce } from '../../control/steer.ts'
import { workersWith } from '../../control/workers.ts'
import { inParallel } from '../../parallel.ts'
import { fingerprintOf } from '../../plan/check-plan.ts'
import { rowsFact } from '../../plan/facts.ts'
import type { Plan } from '../../plan/plan.ts'
import type { RunWave } from '../../plan/waves.ts'
import { rowCounter } from '../tenant-facts.ts'
import type { Naming } from '../wave-names.ts'
import type { Draft } from './draft.ts'
import { type Forecaster, forecasterOf, type Together, Total } from './forecast.ts'

/** Its tenants in the order in which they begin. */
export interface ScheduledWave extends Together, Reached {
  /** From 1. */
  readonly number: number
  readonly name: string
  /** Conditions for the next wave to begin; null: it is the last one. */
  readonly gates: Omit<RunWave, 'name' | 'tenants'> | null
  /** Moves at once that the prediction is for. */
  readonly atOnce: number
}

/** Counts at the source under way at once. */
const countsAtOnce = 4
const { signal } = new AbortController()

/** Counts the rows of each tenant, if its facts do not have them. */
export async function scheduleOf(
  control: Control,
  planned: Naming,
  draft: Draft,
): Promise<ScheduledWave[]> {
  const forecaster = await forecasterFor(control, planned.plan)
  const atOnce = await atOnceOf(control, planned.plan)
  const totals = draft.reached.map(() => new Total(atOnce))
  for await (const page of draft.walk()) {
    const counted = new Map<string, number>()
    for (const { tenant, facts } of page) {
      const rows = facts?.[rowsFact]
      if (typeof rows === 'number') counted.set(tenant, rows)
    }
    const others = page.flatMap(({ tenant }) => (counted.has(tenant) ? [] : tenant))
    const rowsOf = await rowCounter(others, planned)
    await inParallel(page, { limit: countsAtOnce, signal }, async ({ tenant, wave }) => {
      const rows = counted.get(tenant) ?? (await rowsOf(tenant))
      totals[wave - 1]?.add({ rows, predicted: forecaster?.of(rows) ?? null })
    })
  }
  return draft.reached.map((reached, i) => {
    const name = draft.waves[i]?.name ?? 'all'
    const total = (totals[i] ?? new Total(atOnce)).get()
    return { number: i + 1, name, ...reached, gates: gatesOf(draft.waves, i), atOnce, ...total }
  })
}

function gatesOf(waves: readonly RunWave[], i: number): ScheduledWave['gates'] {
  const wave = waves[i]
  if (!wave || i === waves.length - 1) return null
  const { name: _, tenants: __, ...gates } = wave
  return gates
}

/** null: no move of the plan has ended yet. */
export async function forecasterFor(control: Control, plan: Plan): Promise<Forecaster | null> {
  return forecasterOf(await samplesOf(control, plan.name), plan)
}

/** Moves at once of the workers that are alive and have the plan; at least those of one worker. */
export async function atOnceOf(control: Control, plan: Plan): Promise<number> {
  const workers = await workersWith(control, fingerprintOf(plan))
  const most = (await movesAtOnce(control)) ?? Number.POSITIVE_INFINITY
  return Math.min(most, plan.concurrency * Math.max(1, workers))
}

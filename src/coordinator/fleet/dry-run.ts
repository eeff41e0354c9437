/** The schedule that a run would follow, as a dry run of `enqueue` reports it. Changes nothing. */
import type { Control } from '../../control/database.ts'
import { samplesOf } from '../../control/fleet/samples.ts'
import { movesAtOnce } from '../../control/steer.ts'
import { workersWith } from '../../control/workers.ts'
import { inParallel } from '../../parallel.ts'
import { fingerprintOf } from '../../plan/check-plan.ts'
import type { FactsOfTenants } from '../../plan/facts.ts'
import type { Plan } from '../../plan/plan.ts'
import type { RunWave, Scheduled } from '../../plan/waves.ts'
import { rowsOf } from '../tenant-facts.ts'
import type { Naming } from '../wave-names.ts'
import { type Forecaster, forecasterOf, type Together, together } from './forecast.ts'

export interface ScheduledWave extends Together {
  /** From 1. */
  readonly number: number
  readonly name: string
  /** In the order in which they begin. */
  readonly tenants: readonly string[]
  /** Conditions for the next wave to begin; null: it is the last one. */
  readonly gates: Omit<RunWave, 'name' | 'tenants'> | null
  /** Moves at once that the prediction is for. */
  readonly atOnce: number
}

/** Counts at the source under way at once. */
const countsAtOnce = 4
const { signal } = new AbortController()

export interface Schedulable extends Scheduled {
  readonly tenants: readonly string[]
  readonly facts: FactsOfTenants
}

export async function scheduleOf(
  control: Control,
  planned: Naming,
  { tenants, facts, waves, waveOf }: Schedulable,
): Promise<ScheduledWave[]> {
  const forecaster = await forecasterFor(control, planned.plan)
  const atOnce = await atOnceOf(control, planned.plan)
  const rows = new Map<string, number>()
  await inParallel(tenants, { limit: countsAtOnce, signal }, async (tenant) => {
    const counted = facts.get(tenant)?.rows
    rows.set(tenant, typeof counted === 'number' ? counted : await rowsOf(tenant, planned))
  })
  const looked = (tenant: string) => {
    const own = rows.get(tenant) ?? 0
    return { rows: own, predicted: forecaster?.of(own) ?? null }
  }
  const all: readonly Pick<RunWave, 'name'>[] = waves.length > 0 ? waves : [{ name: 'all' }]
  return (tenants.length === 0 ? [] : all).map(({ name }, i) => {
    const own = tenants.filter((tenant) => waveOf(tenant) === i + 1)
    const gates = gatesOf(waves, i)
    return {
      number: i + 1,
      name,
      tenants: own,
      gates,
      atOnce,
      ...together(own.map(looked), atOnce),
    }
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

/** A plan becomes a run: its moves in the control database first, then a job for each. */
import { randomBytes, randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { lookFindings } from '../checks/looks.ts'
import { type Survey, survey } from '../checks/survey.ts'
import type { Control, Move, Priority, Run } from '../control/database.ts'
import { departedTenants } from '../control/homes.ts'
import { busyTenants, findMove, movesOfRun } from '../control/moves.ts'
import { findRun, insertRun } from '../control/runs.ts'
import type { Ends } from '../ends/end.ts'
import type { Errand } from '../errands.ts'
import { RehomeError } from '../errors.ts'
import { packageRoot } from '../migrations.ts'
import { fingerprintOf } from '../plan/check-plan.ts'
import type { Plan } from '../plan/plan.ts'
import { type RunWave, type Scheduled, schedule } from '../plan/waves.ts'
import { sqlStateOf } from '../postgres.ts'
import { addJobs, ensureJob, jobIdOf } from '../queue/jobs.ts'
import type { Queues } from '../queue/queues.ts'
import { refuseFindings } from '../stages/preflight.ts'
import { type Choice, percentileOf, refuseBadChoice, withinShare } from './choose.ts'
import { show, tenantsOf } from './tenants.ts'

export interface EnqueueOptions extends Choice {
  /** Some of the plan's tenants. Default: all. */
  readonly tenants?: readonly string[] | undefined
  /** Kept with the run. Default: the user of the operating system. */
  readonly by: string
  /** Before or after the moves of other runs. Default `normal`. */
  readonly priority?: Priority | undefined
  /** Look and check, but write nothing. */
  readonly dryRun?: boolean | undefined
}

export interface Enqueued {
  /** null after a dry run, and where every tenant was passed over. */
  readonly runId: string | null
  readonly tenants: readonly string[]
  /** Tenants that the source is no home of any longer, and those that another run is busy with. */
  readonly passedOver: { readonly moved: number; readonly busy: number }
  /** In the order in which they begin. Empty: all tenants may begin at once. */
  readonly waves: readonly RunWave[]
}

function wavesFor(plan: Plan, tenants: readonly string[]): Scheduled {
  return schedule(plan.waves ?? [], tenants, percentileOf)
}

interface Stores {
  readonly control: Control
  readonly queues: Queues
}

/** Throws what `check` would find, TENANT_UNKNOWN, or TENANT_BUSY; then nothing was written. */
export async function enqueue(
  at: Stores,
  { plan, ends }: { plan: Plan; ends: Ends },
  options: EnqueueOptions,
): Promise<Enqueued> {
  refuseBadChoice(options)
  const surveyed = await survey(plan, ends)
  refuseFindings({ survey: surveyed })
  refuseFindings({ survey: { ...surveyed, findings: await lookFindings(surveyed, ends) } })
  const { tenants, passedOver } = await choose(
    at.control,
    { plan, ends, survey: surveyed },
    options,
  )
  const waves = wavesFor(plan, tenants).waves
  if (options.dryRun || tenants.length === 0) return { runId: null, tenants, passedOver, waves }
  await at.queues.ready()
  const { by, priority } = options
  const runId = await storeRun(at.control, { plan, ends, tenants, by, priority })
  const run = (await findRun(at.control, runId)) as Run
  // Should this fail, the reconcile loop finds the moves and adds their jobs.
  const moves = await movesOfRun(at.control, runId)
  await addJobs(
    at.queues,
    run,
    moves.filter(({ wave }) => wave === 1),
  )
  return { runId, tenants, passedOver, waves }
}

/**
 * Tenants that have moved are passed over. So are busy ones, unless they are asked for by name or
 * no other tenant is left: then TENANT_BUSY says so.
 */
async function choose(
  control: Control,
  { plan, ends, survey: surveyed }: { plan: Plan; ends: Ends; survey: Survey },
  options: EnqueueOptions,
): Promise<Pick<Enqueued, 'tenants' | 'passedOver'>> {
  const home = { place: ends.source.place, scope: plan.scope }
  const { here, moved } = await tenantsOf(plan, ends, {
    survey: surveyed,
    only: options.tenants,
    departed: (tenants) => departedTenants(control, home, tenants),
  })
  if (here.length + moved.length === 0) {
    throw new RehomeError('TENANT_UNKNOWN', 'the plan has no tenant')
  }
  const share = withinShare([...here, ...moved], options, (tenant) => tenant)
  const away = new Set(moved)
  const there = share.filter((tenant) => !away.has(tenant))
  const scopes = [plan.scope, plan.targetScope]
  const open = await busyTenants(control, scopes, there)
  const busy = new Set(open.map(({ tenant_id: tenant }) => tenant))
  const free = there.filter((tenant) => !busy.has(tenant))
  if (open[0] && (options.tenants || free.length === 0)) throw busyWith(open[0])
  return {
    tenants: free.slice(0, options.limit),
    passedOver: { moved: share.length - there.length, busy: busy.size },
  }
}

/** Throws TENANT_BUSY. */
export async function refuseBusy(
  control: Control,
  plan: Plan,
  tenants: readonly string[],
): Promise<void> {
  const [busy] = await busyTenants(control, [plan.scope, plan.targetScope], tenants)
  if (busy) throw busyWith(busy)
}

function busyWith(busy: Pick<Move, 'tenant_id' | 'run_id'>): RehomeError {
  const message = `tenant ${show(busy.tenant_id)} is being moved by run ${busy.run_id}: wait for its end`
  return new RehomeError('TENANT_BUSY', message)
}

/** A run of one tenant that is only rehearsed: it gets no job. Throws what `enqueue` throws. */
export async function storeRehearsal(
  at: { control: Control },
  { plan, ends }: { plan: Plan; ends: Ends },
  { tenant, by }: { tenant: string; by: string },
): Promise<{ runId: string; moveId: string }> {
  const surveyed = await survey(plan, ends)
  refuseFindings({ survey: surveyed })
  const { here: tenants } = await tenantsOf(plan, ends, { survey: surveyed, only: [tenant] })
  await refuseBusy(at.control, plan, tenants)
  const runId = await storeRun(at.control, { plan, ends, tenants, by }, 'rehearse')
  const [move] = await movesOfRun(at.control, runId)
  return { runId, moveId: move?.id ?? '' }
}

interface StoredRun {
  readonly plan: Plan
  readonly ends: Ends
  readonly tenants: readonly string[]
  readonly by: string
  readonly priority?: Priority | undefined
}

async function storeRun(
  control: Control,
  { plan, ends, tenants, by, priority = 'normal' }: StoredRun,
  errand: Errand = 'move',
): Promise<string> {
  const fingerprint = fingerprintOf(plan)
  const { waves, waveOf } = wavesFor(plan, tenants)
  const runId = `${plan.name}-${randomBytes(4).toString('hex')}`
  const run = {
    id: runId,
    plan_name: plan.name,
    plan_fingerprint: fingerprint,
    scope: plan.scope,
    source: ends.source.place,
    target: ends.target.place,
    // The caller of a rehearsal sees how it ends, and asks again.
    attempts: errand === 'rehearse' ? 1 : plan.attempts,
    backoff_ms: plan.backoffMs,
    created_by: by,
    rehome_version: version(),
    rehearsal: errand === 'rehearse',
    priority,
    ...(errand === 'move' &&
      waves.length > 0 && {
        waves: JSON.stringify(waves),
        wave_count: waves.length,
      }),
    ...(errand === 'move' && plan.stopWhen && { stop_when: JSON.stringify(plan.stopWhen) }),
  }
  const moves = tenants.map((tenant) => {
    return { id: randomUUID(), tenant, wave: errand === 'move' ? waveOf.get(tenant) : 1 }
  })
  try {
    await insertRun(control, run, { moves, errand, targetScope: plan.targetScope })
  } catch (error) {
    if (sqlStateOf(error) !== '23505') throw error
    const message = 'a tenant of this plan has just been enqueued by another run: wait for its end'
    throw new RehomeError('TENANT_BUSY', message, { cause: error })
  }
  return runId
}

export function version(): string {
  const text = readFileSync(join(packageRoot(), 'package.json'), 'utf8')
  const parsed: { version: string } = JSON.parse(text)
  return parsed.version
}

/** Finds moves that should have a job and have none: after a flushed Redis, a crash in between. */
export async function reconcile(
  at: { control: Control; queues: Queues },
  moves: readonly Move[],
): Promise<void> {
  const runs = new Map<string, Run>()
  for (const move of moves) {
    const run = runs.get(move.run_id) ?? (await findRun(at.control, move.run_id))
    if (!run) continue
    runs.set(run.id, run)
    const isOpen = async () => {
      const current = await findMove(at.control, move.id)
      return current?.open === true && jobIdOf(current) === jobIdOf(move)
    }
    await ensureJob(at.queues, move, { run, isOpen })
  }
}

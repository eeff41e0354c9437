/** A plan becomes a run: its moves in the control database first, then a job for each. */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { lookFindings } from '../checks/looks.ts'
import { type Kind, refuseSchemaless, surveyKinds } from '../checks/schema-kinds.ts'
import { sourcesAlone, survey } from '../checks/survey.ts'
import type { Control, Priority, Run } from '../control/database.ts'
import type { OpenMove } from '../control/due-moves.ts'
import { findMove, movesOfRun } from '../control/moves.ts'
import { findRun, type Hold, insertRun } from '../control/runs/runs.ts'
import { commonEnds, endsOf, type PlanEnds, placeOfTenant } from '../ends/end.ts'
import type { Errand } from '../errands.ts'
import { RehomeError, storable } from '../errors.ts'
import { packageRoot } from '../migrations.ts'
import { fingerprintOf } from '../plan/check-plan.ts'
import type { FactsOfTenants } from '../plan/facts.ts'
import type { Plan } from '../plan/plan.ts'
import type { EndTable } from '../plan/routing/route.ts'
import { type RunWave, type Scheduled, schedule } from '../plan/waves.ts'
import { sqlStateOf } from '../postgres.ts'
import { ensureJob, jobIdOf, waitingJobIds } from '../queue/jobs.ts'
import type { Queues } from '../queue/queues.ts'
import { refuseFindings } from '../stages/preflight.ts'
import { type Choice, percentileOf, refuseBadChoice } from './choose.ts'
import { chooseTenants, type PassedOver, refuseBusy } from './fleet/chosen-tenants.ts'
import { type ScheduledWave, scheduleOf } from './fleet/dry-run.ts'
import { feed } from './fleet/feed.ts'
import { type HoldOptions, holdsFor, type RunHold } from './run-holds.ts'
import { changedEnds } from './schema/change-files.ts'
import { changeSchema, type SchemaStep } from './schema/change-schema.ts'
import { schemaLooks } from './schema/schema-findings.ts'
import { tenantsOf } from './tenants.ts'

export interface EnqueueOptions extends Choice, HoldOptions {
  /** Some of the plan's tenants. Default: all. */
  readonly tenants?: readonly string[] | undefined
  /** Kept with the run. Default: the user of the operating system. */
  readonly by: string
  /** Before or after the moves of other runs. Default `normal`. */
  readonly priority?: Priority | undefined
  /** Look and check, but write nothing. */
  readonly dryRun?: boolean | undefined
  /** Told of each statement of an expansion with `auto`. */
  readonly onSchemaStep?: ((step: SchemaStep) => void) | undefined
}

export interface Enqueued {
  /** null after a dry run, and where every tenant was passed over. */
  readonly runId: string | null
  /** In the order in which they begin. */
  readonly tenants: readonly string[]
  readonly passedOver: PassedOver
  /** In the order in which they begin. Empty: all tenants may begin at once. */
  readonly waves: readonly RunWave[]
  /** null: each move cuts over as soon as it can. */
  readonly hold: RunHold | null
  /** After a dry run: who would begin when, and how long it would take. Else null. */
  readonly schedule: readonly ScheduledWave[] | null
}

interface Stores {
  readonly control: Control
  readonly queues: Queues
}

/** Throws what `check` would find, TENANT_UNKNOWN, or TENANT_BUSY; then nothing was written. */
export async function enqueue(
  at: Stores,
  { plan, ends }: { plan: Plan; ends: PlanEnds },
  options: EnqueueOptions,
): Promise<Enqueued> {
  refuseBadChoice(options)
  await expandIfAuto(at.control, { plan, ends }, options)
  const common = commonEnds(ends)
  const sources = common
    ? await refuseUnfit({ survey: await survey(plan, common), ends: common })
    : await sourcesAlone(plan, ends)
  const planned = { plan, ends, sources }
  const { facts, passedOver, named, ...chosen } = await chooseTenants(at.control, planned, options)
  if (!common) await refuseUnfitSchemas(plan, ends, chosen.tenants)
  const factsOf = (tenant: string) => facts.get(tenant) ?? {}
  const scheduled = schedule(named, chosen.tenants, { percentileOf, factsOf })
  const tenants = byWave(chosen.tenants, scheduled)
  const { hold, ofTenant: holds } = await holdsFor(plan, tenants, options)
  const enqueued = { tenants, passedOver, waves: scheduled.waves, hold, schedule: null }
  if (options.dryRun) {
    const wouldBe = await scheduleOf(at.control, planned, { ...scheduled, tenants, facts })
    return { runId: null, ...enqueued, schedule: wouldBe }
  }
  if (tenants.length === 0) return { runId: null, ...enqueued }
  await at.queues.ready()
  const { by, priority } = options
  const stored = { plan, ends, tenants, facts, scheduled, holds, by, priority }
  const runId = await storeRun(at.control, stored)
  // Should this fail, a worker feeds them.
  await feed(at, runId)
  return { runId, ...enqueued }
}

/** Those of the first wave first; of a wave in their order. */
function byWave(tenants: readonly string[], { waves, waveOf }: Scheduled): readonly string[] {
  if (waves.length < 2) return tenants
  return tenants.toSorted((a, b) => waveOf(a) - waveOf(b))
}

/** Throws what `changeSchema` throws; PREFLIGHT_FAILED where the expansion has not been run. */
async function expandIfAuto(
  control: Control,
  opened: { plan: Plan; ends: PlanEnds },
  { by, dryRun, onSchemaStep }: EnqueueOptions,
): Promise<void> {
  const { plan, ends } = opened
  if (plan.schema?.auto && !dryRun && changedEnds(plan, ends, 'expand').length > 0) {
    await changeSchema(control, opened, { part: 'expand', by, onStep: onSchemaStep })
  }
  const { findings } = await schemaLooks(plan, ends)
  refuseFindings({ survey: { findings, unguarded: [] } })
}

/** Throws what `check` would find. Returns the tables of the source. */
async function refuseUnfit({ survey, ends }: Pick<Kind, 'survey' | 'ends'>) {
  refuseFindings({ survey })
  refuseFindings({ survey: { ...survey, findings: await lookFindings(survey, ends) } })
  return survey.sources
}

async function refuseUnfitSchemas(
  plan: Plan,
  ends: PlanEnds,
  tenants: readonly string[],
): Promise<void> {
  const surveyed = await surveyKinds(plan, ends, async () => tenants)
  refuseSchemaless(plan, surveyed)
  for (const kind of surveyed.kinds) await refuseUnfit(kind)
}

/** A run of one tenant that is only rehearsed: it gets no job. Throws what `enqueue` throws. */
export async function storeRehearsal(
  at: { control: Control },
  { plan, ends }: { plan: Plan; ends: PlanEnds },
  { tenant, by }: { tenant: string; by: string },
): Promise<{ runId: string; moveId: string }> {
  const sources = await plannedSources(plan, ends)
  const { here: tenants } = await tenantsOf(plan, ends, { sources, only: [tenant] })
  refuseFindings({ survey: await survey(plan, endsOf(ends, tenants[0] ?? tenant)) })
  await refuseBusy(at.control, plan, tenants)
  const runId = await storeRun(at.control, { plan, ends, tenants, by }, 'rehearse')
  const [move] = await movesOfRun(at.control, runId)
  return { runId, moveId: move?.id ?? '' }
}

/** Tables by which the source knows tenants. Throws PREFLIGHT_FAILED where the plan is unfit. */
export async function plannedSources(plan: Plan, ends: PlanEnds): Promise<readonly EndTable[]> {
  const common = commonEnds(ends)
  if (!common) return await sourcesAlone(plan, ends)
  const surveyed = await survey(plan, common)
  refuseFindings({ survey: surveyed })
  return surveyed.sources
}

interface StoredRun {
  readonly plan: Plan
  readonly ends: PlanEnds
  readonly tenants: readonly string[]
  /** Default: one wave, as of a rehearsal. */
  readonly scheduled?: Scheduled | undefined
  readonly by: string
  readonly priority?: Priority | undefined
  readonly holds?: ReadonlyMap<string, Hold> | undefined
  readonly facts?: FactsOfTenants | undefined
}

function aboutOf(tenant: string, { holds, facts }: Pick<StoredRun, 'holds' | 'facts'>) {
  return { hold: holds?.get(tenant), facts: facts?.get(tenant) }
}

const oneWave: Scheduled = { waves: [], waveOf: () => 1 }

async function storeRun(
  control: Control,
  { plan, ends, tenants, scheduled = oneWave, by, priority = 'normal', ...of }: StoredRun,
  errand: Errand = 'move',
): Promise<string> {
  const fingerprint = fingerprintOf(plan)
  const { waves, waveOf } = scheduled
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
    created_by: storable(by),
    rehome_version: version(),
    rehearsal: errand === 'rehearse',
    strategy: plan.strategy,
    priority,
    ...(waves.length > 0 && { waves: JSON.stringify(waves), wave_count: waves.length }),
    ...(errand === 'move' && plan.stopWhen && { stop_when: JSON.stringify(plan.stopWhen) }),
  }
  // Where all tenants have the same ends, these are the run's.
  const { source, target } = ends
  const own = (tenant: string) => ({
    ...(!source.rows && { source: placeOfTenant(source, tenant) }),
    ...(!target.rows && { target: placeOfTenant(target, tenant) }),
  })
  const moves = {
    *[Symbol.iterator]() {
      for (const [place, tenant] of tenants.entries()) {
        yield { tenant, place, wave: waveOf(tenant), ...aboutOf(tenant, of), ...own(tenant) }
      }
    },
  }
  try {
    const { targetScope } = plan
    // A rehearsal has no job at all: its command does the work.
    await insertRun(control, run, { moves, errand, targetScope, hasJob: errand !== 'move' })
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
  moves: readonly OpenMove[],
): Promise<void> {
  if (moves.length === 0) return
  const runs = new Map<string, Run>()
  // Nearly all of a large run wait, and asking for each of them would cost as much as moving it.
  const waiting = await waitingJobIds(at.queues)
  for (const move of moves) {
    if (waiting.has(jobIdOf(move))) continue
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

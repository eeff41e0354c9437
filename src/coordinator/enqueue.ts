/** A plan becomes a run: its moves in the control database first, then a job for each. */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { lookFindings } from '../checks/looks.ts'
import { type Kind, refuseSchemaless, surveyKinds } from '../checks/schema-kinds.ts'
import { sourcesAlone, survey } from '../checks/survey.ts'
import type { Control, Priority, Run } from '../control/database.ts'
import type { OpenMove } from '../control/due-moves.ts'
import { withCandidates } from '../control/fleet/candidates.ts'
import { findMove, movesOfRun } from '../control/moves.ts'
import type { Reached } from '../control/run-moves.ts'
import { findRun, insertRun, type NewMove } from '../control/runs/runs.ts'
import { commonEnds, endsOf, type PlanEnds, placeOfTenant } from '../ends/end.ts'
import type { Errand } from '../errands.ts'
import { RehomeError, storable } from '../errors.ts'
import { packageRoot } from '../migrations.ts'
import { begun } from '../parallel.ts'
import { fingerprintOf } from '../plan/check-plan.ts'
import type { Plan } from '../plan/plan.ts'
import type { EndTable } from '../plan/routing/route.ts'
import type { RunWave } from '../plan/waves.ts'
import { sqlStateOf } from '../postgres.ts'
import { ensureJob, jobIdOf, waitingJobIds } from '../queue/jobs.ts'
import type { Queues } from '../queue/queues.ts'
import { refuseFindings } from '../stages/preflight.ts'
import { refuseBadChoice } from './choose.ts'
import {
  type ChosenOptions,
  type ChosenTenants,
  chooseTenants,
  type PassedOver,
  refuseBusy,
} from './fleet/chosen-tenants.ts'
import { type Draft, draftOf, namesIn, reachedByAll } from './fleet/draft.ts'
import { type ScheduledWave, scheduleOf } from './fleet/dry-run.ts'
import { feed } from './fleet/feed.ts'
import { type HoldOptions, holdsFor, type RunHold } from './run-holds.ts'
import { changedEnds } from './schema/change-files.ts'
import { changeSchema, type SchemaStep } from './schema/change-schema.ts'
import { schemaLooks } from './schema/schema-findings.ts'
import { tenantsOf } from './tenants.ts'
import type { Naming } from './wave-names.ts'

export interface EnqueueOptions extends ChosenOptions, HoldOptions {
  /** Kept with the run. Default: the user of the operating system. */
  readonly by: string
  /** Before or after the moves of other runs. Default `normal`. */
  readonly priority?: Priority | undefined
  /** Look and check, but write nothing. */
  readonly dryRun?: boolean | undefined
  /** Called in a dry run with all names, page by page, in the order in which they would begin. */
  readonly onTenants?: ((tenants: readonly string[]) => void) | undefined
  /** Told of each statement of an expansion with `auto`. */
  readonly onSchemaStep?: ((step: SchemaStep) => void) | undefined
}

/** Its tenants in the order in which they begin. */
export interface Enqueued extends Reached {
  /** null after a dry run, and where every tenant was passed over. */
  readonly runId: string | null
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
  const holds = holdsFor(plan, options)
  await expandIfAuto(at.control, { plan, ends }, options)
  const common = commonEnds(ends)
  const sources = common
    ? await refuseUnfit({ survey: await survey(plan, common), ends: common })
    : await sourcesAlone(plan, ends)
  const planned = { plan, ends, sources }
  return await withCandidates(at.control, async (candidates) => {
    const choosing = { control: at.control, candidates, planned, options }
    const { passedOver, walk } = await chooseTenants(choosing)
    if (!common) await refuseUnfitSchemas(plan, ends, walk)
    const draft = await draftOf({ plan, holds, candidates, walk })
    return { passedOver, ...(await store(at, planned, { draft, options })) }
  })
}

async function store(
  at: Stores,
  planned: Naming,
  { draft, options }: { draft: Draft; options: EnqueueOptions },
): Promise<Omit<Enqueued, 'passedOver'>> {
  const { waves, hold } = draft
  const { by, priority, dryRun, onTenants } = options
  const enqueued = { ...reachedByAll(draft.reached), waves, hold, schedule: null }
  if (dryRun) {
    if (onTenants) for await (const names of namesIn(draft)) onTenants(names)
    const wouldBe = await scheduleOf(at.control, planned, draft)
    return { runId: null, ...enqueued, schedule: wouldBe }
  }
  if (enqueued.count === 0) return { runId: null, ...enqueued }
  await at.queues.ready()
  const { plan, ends } = planned
  const runId = await storeRun(at.control, { plan, ends, draft, by, priority })
  // Should this fail, a worker feeds them.
  await feed(at, runId)
  return { runId, ...enqueued }
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

/** A schema or database of each tenant is read, so that all names are read at once. */
async function refuseUnfitSchemas(
  plan: Plan,
  ends: PlanEnds,
  walk: ChosenTenants['walk'],
): Promise<void> {
  const tenants: string[] = []
  for await (const page of walk()) tenants.push(...page.map(({ tenant }) => tenant))
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
  const runId = await storeRun(at.control, { plan, ends, by, tenants })
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
  /** Absent: `tenants` are only rehearsed. */
  readonly draft?: Draft | undefined
  readonly tenants?: readonly string[] | undefined
  readonly by: string
  readonly priority?: Priority | undefined
}

async function storeRun(control: Control, of: StoredRun): Promise<string> {
  const { plan, ends, draft, tenants = [], by, priority = 'normal' } = of
  const errand: Errand = draft ? 'move' : 'rehearse'
  const waves = draft?.waves ?? []
  const runId = `${plan.name}-${randomBytes(4).toString('hex')}`
  const run = {
    id: runId,
    plan_name: plan.name,
    plan_fingerprint: fingerprintOf(plan),
    scope: plan.scope,
    source: ends.source.place,
    target: ends.target.place,
    // The caller of a rehearsal sees how it ends, and asks again.
    attempts: draft ? plan.attempts : 1,
    backoff_ms: plan.backoffMs,
    created_by: storable(by),
    rehome_version: version(),
    rehearsal: !draft,
    strategy: plan.strategy,
    priority,
    ...(waves.length > 0 && { waves: JSON.stringify(waves), wave_count: waves.length }),
    ...(draft && plan.stopWhen && { stop_when: JSON.stringify(plan.stopWhen) }),
  }
  const moves = draft
    ? // Sorting all of them takes longer than a transaction may wait.
      await begun(draftedMoves(draft, ends))
    : tenants.map((tenant) => ({ tenant, ...ownEnds(ends, tenant) }))
  try {
    const { targetScope } = plan
    // A rehearsal has no job at all: its command does the work.
    await insertRun(control, run, { moves, errand, targetScope, hasJob: !draft })
  } catch (error) {
    if (sqlStateOf(error) !== '23505') throw error
    const message = 'a tenant of this plan has just been enqueued by another run: wait for its end'
    throw new RehomeError('TENANT_BUSY', message, { cause: error })
  }
  return runId
}

async function* draftedMoves(draft: Draft, ends: PlanEnds): AsyncGenerator<NewMove> {
  let place = 0
  for await (const page of draft.walk()) {
    for (const one of page) {
      const { tenant, wave, facts } = one
      const own = { ...ownEnds(ends, tenant), ...(facts && { facts }) }
      yield { tenant, place, wave, hold: await draft.holdOf(one), ...own }
      place += 1
    }
  }
}

/** Where all tenants have the same ends, these are the run's. */
function ownEnds({ source, target }: PlanEnds, tenant: string) {
  return {
    ...(!source.rows && { source: placeOfTenant(source, tenant) }),
    ...(!target.rows && { target: placeOfTenant(target, tenant) }),
  }
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

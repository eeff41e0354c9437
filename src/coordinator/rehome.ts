/**
 * The library: what a script needs. Opens the control database and the queue, and the ends of a
 * plan only while they are needed. Every method may throw a RehomeError; none leaves anything half
 * done.
 */

import { userInfo } from 'node:os'
import { sleep } from '../clock.ts'
import {
  type Control,
  closeControl,
  type Move,
  type MoveEvent,
  type Run,
} from '../control/database.ts'
import { eventsOf } from '../control/events.ts'
import { movesOfRun } from '../control/moves.ts'
import { briefMoves } from '../control/run-moves.ts'
import { countsOf, type MoveCount } from '../control/runs/run-counts.ts'
import { type MovesPage, movesPage } from '../control/runs/run-tenants.ts'
import type { PlanEnds } from '../ends/end.ts'
import { termsOf } from '../errands.ts'
import { RehomeError } from '../errors.ts'
import { createLog, type Logger } from '../log.ts'
import type { Finding } from '../plan/catalogs/catalog.ts'
import { checkPlan } from '../plan/check-plan.ts'
import type { Loads } from '../plan/homes/placement.ts'
import type { Plan, PlanInput } from '../plan/plan.ts'
import { openQueues, type Queues, queueStore } from '../queue/queues.ts'
import { type Asking, askingOf } from './ask-errands.ts'
import {
  exposedAt,
  findingsAt,
  type Looked,
  looksAt,
  notesAt,
  oneWayAt,
  type Review,
  reviewAt,
  unprovenAt,
} from './checking.ts'
import { type Enqueued, type EnqueueOptions, enqueue } from './enqueue.ts'
import { knownRun } from './errand-choice.ts'
import { type CheckAllOptions, checkTenants, type TenantsLook } from './fleet/check-tenants.ts'
import { loadsOf } from './fleet/loads.ts'
import { openEnds, openInstalledControl } from './installation.ts'
import { type Price, type PriceOptions, priceOf } from './price.ts'
import { type SchemaLibrary, schemaLibrary } from './schema/schema-library.ts'
import { type Steering, steeringOf } from './steering.ts'
import { refuseBadId, show } from './tenants.ts'
import { type Opened, type Watching, watchingOf } from './watching.ts'

export interface OpenOptions {
  /** The control database. Default: CONTROL_URL. */
  readonly controlUrl?: string
  /** Default: REDIS_URL; without either the queue lives in the control database. */
  readonly redisUrl?: string
  /** Where plans find the URLs of their ends. Default: process.env. */
  readonly environment?: NodeJS.ProcessEnv
  /** The caller's name; kept with runs and events. Default: the user of the operating system. */
  readonly by?: string
  readonly log?: Logger
}

export interface RunSnapshot {
  readonly run: Run
  readonly moves: readonly Move[]
  /** No move is open except audits, which begin anew all the time. */
  readonly done: boolean
}

/** Some moves of a run, and how many it has in all. */
export interface RunPage extends RunSnapshot {
  /** There are more behind the last one. */
  readonly more: boolean
  readonly total: number
  readonly open: number
  readonly failed: number
}

export interface TenantRecord {
  readonly run: Run
  readonly move: Move
  readonly events: readonly MoveEvent[]
}

/** `by`: default that of `open()`. */
export interface Rehome extends AsyncDisposable, Asking, Steering, Watching, SchemaLibrary {
  /** The plan with its defaults, if it is right and fits both ends; else the findings. */
  check(plan: PlanInput): Promise<readonly Finding[]>
  /** All that is to be known of the plan at its ends: what `check` and the four below return. */
  review(plan: PlanInput): Promise<Review>
  /** Looks at every tenant that is still to move: sizes, what is in its way, predicted times. */
  checkTenants(plan: PlanInput, options?: CheckAllOptions): Promise<TenantsLook>
  /** Rows of the plan's tenants, and of others at its `ends`: figures for `byLeast`. */
  loads(plan: PlanInput): Promise<Loads>
  /** Promises that the ends of this plan cannot keep; to be known, and no reason to refuse. */
  unproven(plan: PlanInput): Promise<readonly Finding[]>
  /** Facts about the ends to know before tenants move, such as sequences; no reason to refuse. */
  notes(plan: PlanInput): Promise<readonly Finding[]>
  /** Privileges of other roles that the ends' owners should revoke. No hindrance to moves. */
  exposed(plan: PlanInput): Promise<readonly Finding[]>
  /** Tables whose writes a rollback would not take back, and why; where the plan has a window. */
  oneWayTables(plan: PlanInput): Promise<readonly Finding[]>
  enqueue(plan: PlanInput, options?: Omit<EnqueueOptions, 'by'>): Promise<Enqueued>
  status(runId: string): Promise<RunSnapshot>
  /** The moves behind a tenant, in the order of their ids: quick in a run of any size. */
  statusPage(runId: string, page: MovesPage): Promise<RunPage>
  /** A snapshot now and after each change, until nothing is open. `everyMs` default 500. */
  watch(
    runId: string,
    options?: { everyMs?: number; signal?: AbortSignal },
  ): AsyncGenerator<RunSnapshot, void, undefined>
  /** The tenants for which an errand would be asked, and what it would cost. Asks for nothing. */
  price(runId: string, options: PriceOptions): Promise<Price>
  /** Everything known of one tenant's move: the evidence, and what happened when. */
  show(runId: string, tenant: string): Promise<TenantRecord>
  close(): Promise<void>
}

/** The library with what is behind it, for the command line and the board. */
export interface Library extends Rehome {
  readonly control: Control
  readonly queues: Queues
}

/** Throws SETTING_MISSING, UNREACHABLE, ACCESS_DENIED or NOT_INSTALLED. */
export async function open(options?: OpenOptions): Promise<Rehome> {
  return await openLibrary(options)
}

/** Throws as `open` does. */
export async function openLibrary(options: OpenOptions = {}): Promise<Library> {
  const environment = options.environment ?? process.env
  const controlUrl = options.controlUrl ?? environment.CONTROL_URL
  if (!controlUrl) {
    throw new RehomeError('SETTING_MISSING', 'CONTROL_URL, the control database, is not set')
  }
  const { control, installation } = await openInstalledControl(controlUrl)
  const redisUrl = options.redisUrl ?? environment.REDIS_URL
  const log = options.log ?? createLog()
  const store = queueStore({ redisUrl, controlUrl, installation })
  const queues = openQueues(store, (error) => log.debug({ err: error }, 'queue connection'))
  return library({ control, queues, environment, log, by: options.by ?? userInfo().username })
}

function library(opened: Opened): Library {
  const { control, queues, by } = opened
  const lookAt = <T>(plan: PlanInput, work: (looked: Looked) => Promise<T>) =>
    withPlan(opened, plan, async (at) => await work(await looksAt(at)))
  const close = async () => {
    await queues.close()
    await closeControl(control)
  }
  return {
    control,
    queues,
    check: (plan) => lookAt(plan, (looked) => findingsAt(looked, control)),
    review: (plan) => lookAt(plan, (looked) => reviewAt(looked, control)),
    checkTenants: (plan, options) =>
      withPlan(opened, plan, (at) => checkTenants(control, at, options)),
    loads: (plan) => withPlan(opened, plan, (at) => loadsOf(at, opened.environment)),
    unproven: (plan) => lookAt(plan, unprovenAt),
    notes: (plan) => lookAt(plan, notesAt),
    exposed: (plan) => lookAt(plan, exposedAt),
    oneWayTables: (plan) => lookAt(plan, oneWayAt),
    enqueue: (plan, options) =>
      withPlan(opened, plan, (at) => enqueue(opened, at, { by, ...options })),
    ...watchingOf(opened),
    ...schemaLibrary(opened, (plan, work) => withPlan(opened, plan, work)),
    status: (runId) => snapshot(control, runId),
    statusPage: (runId, page) => statusPage(control, runId, page),
    watch: (runId, options) => watch(control, runId, options),
    ...askingOf(opened),
    ...steeringOf(opened),
    price: (runId, options) => priceOf(control, runId, options),
    show: (runId, tenant) => record(control, runId, tenant),
    close,
    [Symbol.asyncDispose]: close,
  }
}

async function withPlan<T>(
  opened: Opened,
  input: PlanInput,
  work: (at: { plan: Plan; ends: PlanEnds }) => Promise<T>,
): Promise<T> {
  const plan = checkPlan(input)
  await using ends = openEnds(plan, opened.environment)
  return await work({ plan, ends })
}

async function snapshot(control: Control, runId: string): Promise<RunSnapshot> {
  const run = await knownRun(control, runId)
  const moves = await movesOfRun(control, runId)
  return { run, moves, done: moves.every((move) => !move.open || termsOf(move.errand).yields) }
}

async function statusPage(control: Control, runId: string, page: MovesPage): Promise<RunPage> {
  const run = await knownRun(control, runId)
  if (page.after !== undefined) await refuseUnknown(control, runId, page.after)
  // One more tells whether there are more.
  const [moves, counts] = await Promise.all([
    movesPage(control, runId, { ...page, limit: page.limit + 1 }),
    countsOf(control, [runId]),
  ])
  const tenants = (is: (count: MoveCount) => boolean) =>
    counts.filter(is).reduce((sum, count) => sum + count.tenants, 0)
  return {
    run,
    moves: moves.slice(0, page.limit),
    more: moves.length > page.limit,
    done: tenants(({ open, errand }) => open && !termsOf(errand).yields) === 0,
    total: tenants(() => true),
    open: tenants(({ open }) => open),
    failed: tenants(({ open, phase }) => !open && phase === 'failed'),
  }
}

/** Throws USAGE. */
async function refuseUnknown(control: Control, runId: string, after: string): Promise<void> {
  refuseBadId(after)
  const [move] = await briefMoves(control, { runId, tenants: [after] })
  if (!move) throw new RehomeError('USAGE', `tenant ${show(after)} is not in run ${runId}`)
}

async function* watch(
  control: Control,
  runId: string,
  options: { everyMs?: number; signal?: AbortSignal } = {},
): AsyncGenerator<RunSnapshot, void, undefined> {
  let before = ''
  for (;;) {
    const now = await snapshot(control, runId)
    const text = JSON.stringify(now.moves)
    if (text !== before) yield now
    if (now.done || options.signal?.aborted) return
    before = text
    await sleep(options.everyMs ?? 500, options.signal).catch(() => {})
  }
}

async function record(control: Control, runId: string, tenant: string): Promise<TenantRecord> {
  refuseBadId(tenant)
  const run = await knownRun(control, runId)
  const [move] = await movesOfRun(control, runId, [tenant])
  if (!move) throw new RehomeError('TENANT_UNKNOWN', `run "${runId}" has no tenant ${show(tenant)}`)
  return { run, move, events: await eventsOf(control, move.id) }
}

/**
 * The library: what a script needs. Opens the control database and the queue, and the ends of a
 * plan only while they are needed. Every method may throw a RehomeError; none leaves anything half
 * done.
 */

import { userInfo } from 'node:os'
import { tryAllDemands, untriedNotes, violationFinding } from '../checks/demand-findings.ts'
import { exposureFindings } from '../checks/exposure.ts'
import { unprovenOf } from '../checks/http-findings.ts'
import { lookFindings } from '../checks/looks.ts'
import { notesOf } from '../checks/notes.ts'
import { type Survey, survey, surveyBack, type Unguarded } from '../checks/survey.ts'
import { sleep } from '../clock.ts'
import type { Control, Move, MoveEvent, Run } from '../control/database.ts'
import { eventsOf } from '../control/events.ts'
import { movesOfRun } from '../control/moves.ts'
import type { Ends } from '../ends/end.ts'
import { termsOf } from '../errands.ts'
import { RehomeError } from '../errors.ts'
import { createLog, type Logger } from '../log.ts'
import type { Finding } from '../plan/catalogs/catalog.ts'
import { checkPlan } from '../plan/check-plan.ts'
import type { Plan, PlanInput } from '../plan/plan.ts'
import { openQueues, type Queues, queueStore } from '../queue/queues.ts'
import {
  cleanup,
  type ErrandOptions,
  finalize,
  knownRun,
  type RollbackOptions,
  retry,
  rollback,
} from './ask-errands.ts'
import { type Enqueued, type EnqueueOptions, enqueue } from './enqueue.ts'
import { closeEnds, openEnds, openInstalledControl } from './installation.ts'
import { type Price, type PriceOptions, priceOf } from './price.ts'
import { type Steering, steeringOf } from './steering.ts'
import { refuseBadId, show, tenantsIfListed } from './tenants.ts'
import { type Watching, watchingOf } from './watching.ts'

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

export interface TenantRecord {
  readonly run: Run
  readonly move: Move
  readonly events: readonly MoveEvent[]
}

/** `by`: default that of `open()`. */
type Asked<Options extends ErrandOptions = ErrandOptions> = Omit<Options, 'by'> & { by?: string }

export interface Rehome extends AsyncDisposable, Steering, Watching {
  readonly control: Control
  readonly queues: Queues
  /** The plan with its defaults, if it is right and fits both ends; else the findings. */
  check(plan: PlanInput): Promise<readonly Finding[]>
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
  /** A snapshot now and after each change, until nothing is open. `everyMs` default 500. */
  watch(
    runId: string,
    options?: { everyMs?: number; signal?: AbortSignal },
  ): AsyncGenerator<RunSnapshot, void, undefined>
  /** Without tenants: every failed one. Returns the tenants that are tried again. */
  retry(runId: string, options?: Asked): Promise<string[]>
  /** Returns the tenants that are rolled back: those whose moves had changed something. */
  rollback(runId: string, options: Asked<RollbackOptions>): Promise<string[]>
  /** Ends the rollback window of moved tenants before its time. */
  finalize(runId: string, options: Asked): Promise<string[]>
  cleanup(runId: string, options: Asked): Promise<string[]>
  /** The tenants for which an errand would be asked, and what it would cost. Asks for nothing. */
  price(runId: string, options: PriceOptions): Promise<Price>
  /** Everything known of one tenant's move: the evidence, and what happened when. */
  show(runId: string, tenant: string): Promise<TenantRecord>
  close(): Promise<void>
}

/** Throws SETTING_MISSING, UNREACHABLE, ACCESS_DENIED or NOT_INSTALLED. */
export async function open(options: OpenOptions = {}): Promise<Rehome> {
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
  return library({ control, queues, environment, by: options.by ?? userInfo().username })
}

interface Opened {
  readonly control: Control
  readonly queues: Queues
  readonly environment: NodeJS.ProcessEnv
  readonly by: string
}

function library(opened: Opened): Rehome {
  const { control, queues, by } = opened
  const close = async () => {
    await queues.close()
    await control.pool.end()
  }
  return {
    control,
    queues,
    check: (plan) =>
      withPlan(opened, plan, async (at) => {
        const found = await survey(at.plan, at.ends)
        const looks = await lookFindings(found, at.ends)
        const { violations } = await tryDemandsOf(at, found)
        const refused = violations.map(violationFinding)
        return [...found.findings, ...looks, ...refused, ...found.unguarded.map(unguardedFinding)]
      }),
    unproven: (plan) =>
      withPlan(opened, plan, async (at) => unprovenOf(await survey(at.plan, at.ends), at.ends)),
    notes: (plan) =>
      withPlan(opened, plan, async (at) => {
        const found = await survey(at.plan, at.ends)
        const { untried } = await tryDemandsOf(at, found)
        return [...(await notesOf(at.plan, found, at.ends)), ...untriedNotes(untried)]
      }),
    exposed: (plan) =>
      withPlan(opened, plan, async (at) => exposureFindings(await survey(at.plan, at.ends))),
    oneWayTables: (plan) =>
      withPlan(opened, plan, async (at) => {
        if (at.plan.rollback.windowMs === 0) return []
        const back = surveyBack(await survey(at.plan, at.ends))
        return back.routes.flatMap(({ source: { name }, blocked }) =>
          blocked ? [{ where: `target table "${name}"`, message: blocked }] : [],
        )
      }),
    enqueue: (plan, asked) => withPlan(opened, plan, (at) => enqueue(opened, at, { by, ...asked })),
    ...watchingOf(opened),
    status: (runId) => snapshot(control, runId),
    watch: (runId, asked) => watch(control, runId, asked),
    retry: (runId, asked) => retry(opened, runId, { by, ...asked }),
    rollback: (runId, asked) => rollback(opened, runId, { by, ...asked }),
    finalize: (runId, asked) => finalize(opened, runId, { by, ...asked }),
    cleanup: (runId, asked) => cleanup(opened, runId, { by, ...asked }),
    ...steeringOf(opened),
    price: (runId, asked) => priceOf(control, runId, asked),
    show: (runId, tenant) => record(control, runId, tenant),
    close,
    [Symbol.asyncDispose]: close,
  }
}

/** On the rows of the plan's tenants, where it lists them. */
async function tryDemandsOf({ plan, ends }: { plan: Plan; ends: Ends }, surveyed: Survey) {
  return await tryAllDemands(surveyed, ends, async () => ({
    tenants: await tenantsIfListed(plan, ends),
  }))
}

function unguardedFinding({ end, relation }: Unguarded): Finding {
  const instead = end.sql ? 'run `rehome init`' : 'let that end `install()` them'
  return { where: `${end.name} table "${relation}"`, message: `has no guard: ${instead}` }
}

async function withPlan<T>(
  opened: Opened,
  input: PlanInput,
  work: (at: { plan: Plan; ends: Ends }) => Promise<T>,
): Promise<T> {
  const plan = checkPlan(input)
  const ends = openEnds(plan, opened.environment)
  try {
    return await work({ plan, ends })
  } finally {
    await closeEnds(ends)
  }
}

async function snapshot(control: Control, runId: string): Promise<RunSnapshot> {
  const run = await knownRun(control, runId)
  const moves = await movesOfRun(control, runId)
  return { run, moves, done: moves.every((move) => !move.open || termsOf(move.errand).yields) }
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

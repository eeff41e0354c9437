/** Rows of one tenant side by side, at both ends of a run. Reads only, and takes no lock. */
import { lookUp } from '../attempt/context.ts'
import { survey } from '../checks/survey.ts'
import { type InspectedTable, inspectTable } from '../comparison/inspection/inspect-table.ts'
import type { Inspected } from '../comparison/inspection/made-rows.ts'
import { namedDifferences } from '../comparison/named-differences.ts'
import type { Control, Move, Run } from '../control/database.ts'
import { movesOfRun } from '../control/moves.ts'
import { loadSharedIds } from '../copying/shared-ids.ts'
import type { Ends } from '../ends/end.ts'
import { endsOfMove } from '../ends/move-ends.ts'
import { messageOf, RehomeError } from '../errors.ts'
import { beforeCutover } from '../phases.ts'
import { checkPlan, fingerprintOf } from '../plan/check-plan.ts'
import type { Plan, PlanInput } from '../plan/plan.ts'
import type { Route } from '../plan/routing/route.ts'
import { sqlStateOf } from '../postgres.ts'
import { knownRun } from './errand-choice.ts'
import { openEnds } from './installation.ts'
import { refuseBadId, show } from './tenants.ts'

export interface InspectOptions {
  /** Default: all tables of the plan. */
  readonly table?: string | undefined
  /** Each as `42`, or as a record: `(42,2025-01-01)`. They need a table. */
  readonly keys?: readonly string[] | undefined
  /** Further rows of each table, at random. Default: 5, or none where keys are named. */
  readonly sample?: number | undefined
  /** Shows columns with the name of a secret, such as `password`. */
  readonly reveal?: boolean | undefined
  readonly signal?: AbortSignal | undefined
}

export interface Inspection {
  readonly runId: string
  readonly tenant: string
  readonly phase: Move['phase']
  /** Sentences on what differences mean in this phase. */
  readonly notes: readonly string[]
  readonly tables: readonly InspectedTable[]
}

interface At {
  readonly control: Control
  readonly environment: NodeJS.ProcessEnv
}

/**
 * Throws RUN_UNKNOWN, TENANT_UNKNOWN, PLAN_CHANGED where none of the plans is the run's, or USAGE
 * for a table that the plan does not have.
 */
export async function inspect(
  { control, environment }: At,
  plans: readonly PlanInput[],
  {
    runId,
    tenant,
    ...options
  }: InspectOptions & { readonly runId: string; readonly tenant: string },
): Promise<Inspection> {
  refuseBadId(tenant)
  const run = await knownRun(control, runId)
  const [move] = await movesOfRun(control, runId, [tenant])
  if (!move) throw new RehomeError('TENANT_UNKNOWN', `run "${runId}" has no tenant ${show(tenant)}`)
  const plan = planOf(run, plans)
  await using ends = openEnds(plan, environment)
  const tables = await inspectTables({ plan, ends: endsOfMove(ends, move), run, move }, options)
  return { runId, tenant, phase: move.phase, notes: notesOf(move, plan), tables }
}

function planOf(run: Run, plans: readonly PlanInput[]): Plan {
  const checked = plans.map(checkPlan)
  const plan = checked.find((one) => fingerprintOf(one) === run.plan_fingerprint)
  if (plan) return plan
  const same = checked.some(({ name }) => name === run.plan_name)
  const message = same
    ? `plan "${run.plan_name}" is not as it was when run ${run.id} was enqueued: inspect with that version`
    : `run ${run.id} has plan "${run.plan_name}": name its file with --plan, or in REHOME_PLANS`
  throw new RehomeError('PLAN_CHANGED', message)
}

async function inspectTables(
  at: { plan: Plan; ends: Ends; run: Run; move: Move },
  { table, keys = [], sample, reveal = false, signal }: InspectOptions,
): Promise<InspectedTable[]> {
  const { plan, ends, run, move } = at
  const tenant = move.tenant_id
  const [surveyed, lookups] = await Promise.all([survey(plan, ends), lookUp(plan, ends, tenant)])
  await loadSharedIds({ plan, run, tenant, ends, survey: surveyed })
  const of: Inspected = {
    plan,
    run,
    tenant,
    ends,
    survey: surveyed,
    lookups,
    signal: signal ?? AbortSignal.timeout(longestMs),
  }
  const routes = chosen(surveyed.routes, { table, keys })
  const differences = namedDifferences(move.error_data)
  const size = sample ?? (keys.length > 0 ? 0 : 5)
  const tables: InspectedTable[] = []
  for (const route of routes) {
    const { keys: named = [] } = differences.find((one) => one.table === route.target.name) ?? {}
    const differing = named.slice(0, size).map(({ key }) => key)
    const shown = keys.length > 0 ? keys : differing
    const more = size - differing.length
    const inspected = inspectTable(of, route, { keys: shown, sample: more, reveal })
    tables.push(await inspected.catch((error) => refuseKeys(error, route, keys)))
  }
  return tables
}

/** Invalid texts, numbers out of range, and no dates. */
const noValue = /^22(P02|003|007|008)$/

/** A value that is none of a column's type can only be in a key that a person has written. */
function refuseKeys(error: unknown, { target }: Route, keys: readonly string[]): never {
  if (keys.length === 0 || !noValue.test(sqlStateOf(error) ?? '')) throw error
  const message = `${keys.map(show).join(', ')}: no key of table "${target.name}"`
  throw new RehomeError('USAGE', `${message}: ${messageOf(error)}`, { cause: error })
}

/** A search through a large tenant ends by then. */
const longestMs = 120_000

function chosen(
  routes: readonly Route[],
  { table, keys }: { table: string | undefined; keys: readonly string[] },
): readonly Route[] {
  const names = (route: Route) => [route.target.name, route.source.name]
  const some = table === undefined ? routes : routes.filter((route) => names(route).includes(table))
  const all = routes.map(({ target }) => target.name).join(', ')
  if (some.length === 0) {
    throw new RehomeError('USAGE', `the plan moves no table ${show(table ?? '')}: it moves ${all}`)
  }
  if (keys.length > 0 && some.length > 1) {
    throw new RehomeError('USAGE', `a key is one of a table: name it with --table, of ${all}`)
  }
  return some
}

function notesOf({ open, phase, cleanup_begun: cleaned }: Move, { strategy }: Plan): string[] {
  if (cleaned) return ['the old copy is removed or being removed: there may be no source rows']
  if (phase === 'moved' || phase === 'audit') {
    return ['the target is its home: differences are what was written there since the cutover']
  }
  if (phase === 'rolled_back') return ['the source is its home; its rows at the target are removed']
  if (phase === 'queued') return ['the move has not begun: nothing is at the target yet']
  if (phase === 'failed') {
    return ['the source is its home: differences may also be what was written there since']
  }
  if (open && strategy === 'online' && beforeCutover.includes(phase)) {
    return ['the tenant is writing: differences may be changes that have not been brought yet']
  }
  return []
}

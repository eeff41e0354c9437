/**
 * Looks at every tenant of a plan before any of them moves: its rows, rows and keys that are in its
 * way at the target, and how long it would take. Reads only, a few calls for each tenant, and
 * fences none of them. It does not look for what only a move or a rehearsal finds out, such as rows
 * that a transform rejects.
 */
import { tenantRows } from '../../attempt/planned-rows.ts'
import { collisionText, firstColliding, keyAtSource } from '../../checks/colliding-keys.ts'
import { surveysOf } from '../../checks/schema-kinds.ts'
import { survey, type TenantSurvey } from '../../checks/survey.ts'
import type { Control } from '../../control/database.ts'
import { busyTenants } from '../../control/moves.ts'
import { commonEnds, type Ends, endsOf, type PlanEnds } from '../../ends/end.ts'
import { nothingRead } from '../../ends/rows.ts'
import { type ErrorCode, firstFew, RehomeError } from '../../errors.ts'
import { span } from '../../numbers.ts'
import { inParallel } from '../../parallel.ts'
import type { Finding } from '../../plan/catalogs/catalog.ts'
import type { Plan } from '../../plan/plan.ts'
import type { EndTable } from '../../plan/routing/route.ts'
import { show, tenantsOf } from '../tenants.ts'
import { departedFrom, type PassedOver } from './chosen-tenants.ts'
import { roomAt, type Space, spaceFindings, spaceOf } from './disk-space.ts'
import { atOnceOf, forecasterFor } from './dry-run.ts'
import { type Predicted, quantile, type Together, together } from './forecast.ts'

export interface TenantLook {
  readonly tenant: string
  /** At the source. */
  readonly rows: number
  /** null: no move of the plan has ended, or none of a comparable size. */
  readonly predicted: Predicted | null
  /** The error with which its move would end; null: none was found. */
  readonly trouble: { readonly code: ErrorCode; readonly message: string } | null
}

export interface TenantsLook extends Together {
  /** The largest first. */
  readonly tenants: readonly TenantLook[]
  readonly passedOver: PassedOver
  readonly rowsMedian: number
  readonly pauseMsP99: number | null
  /** Moves at once that the prediction is for. */
  readonly atOnce: number
  /** The number of moves that it is based on. */
  readonly samples: number
  readonly space: Space
  readonly findings: readonly Finding[]
}

export interface CheckAllOptions {
  /** Bytes that are free at the target. PostgreSQL does not report it. */
  readonly targetFree?: number | undefined
}

interface At<Opened = Ends> {
  readonly plan: Plan
  readonly ends: Opened
}

/** Calls for so many tenants are under way at once. */
const atOnceMax = 4
const { signal } = new AbortController()

/**
 * Throws what listing the plan's tenants throws. Plan and schemas have to fit, as `check` finds.
 */
export async function checkTenants(
  control: Control,
  at: At<PlanEnds>,
  { targetFree }: CheckAllOptions = {},
): Promise<TenantsLook> {
  const { plan, ends } = at
  const one = commonEnds(ends)
  const common = one && (await survey(plan, one))
  const { tenants, passedOver, wrong } = await remaining(control, at, common?.sources ?? [])
  const surveyOf = common ? async () => common : await surveysOf(plan, ends, tenants)
  const forecaster = await forecasterFor(control, plan)
  const looks: TenantLook[] = []
  const shared = one && common && (await roomAt(one, common.sources))
  const needs: (number | null)[] = []
  await inParallel(tenants, { limit: atOnceMax, signal }, async (tenant) => {
    const own = one ?? endsOf(ends, tenant)
    const surveyed = await surveyOf(tenant)
    const look = await lookAt({ plan, ends: own }, surveyed, tenant)
    const room = shared ?? (await roomAt(own, surveyed.sources))
    for (const [table, rows] of look.counts) room.add(table, rows)
    if (!shared) needs.push(room.neededBytes())
    const { rows, trouble } = look
    looks.push({ tenant, rows, trouble, predicted: forecaster?.of(rows) ?? null })
  })
  looks.sort((a, b) => b.rows - a.rows || (a.tenant < b.tenant ? -1 : 1))
  const atOnce = await atOnceOf(control, plan)
  if (shared) needs.push(shared.neededBytes())
  const space = await spaceOf(ends, needs, targetFree)
  const pauses = looks
    .flatMap(({ predicted }) => predicted?.pauseMs ?? [])
    .toSorted((a, b) => a - b)
  return {
    ...together(looks, atOnce),
    tenants: looks,
    passedOver,
    atOnce,
    samples: forecaster?.samples ?? 0,
    space,
    rowsMedian: quantile(looks.map(({ rows }) => rows).toReversed(), 0.5),
    pauseMsP99: pauses.length === 0 ? null : quantile(pauses, 0.99),
    findings: [
      ...wrong,
      ...looks.flatMap(troubleFinding),
      ...overBudget(plan, looks),
      ...spaceFindings(space),
    ],
  }
}

interface Remaining {
  readonly tenants: readonly string[]
  readonly passedOver: PassedOver
  /** Tenants that the plan lists, and that cannot be any: no run would take them. */
  readonly wrong: readonly Finding[]
}

/** Tenants that are still to move, as `enqueue` would choose them. */
async function remaining(
  control: Control,
  { plan, ends }: At<PlanEnds>,
  sources: readonly EndTable[],
): Promise<Remaining> {
  const departed = departedFrom(control, { plan, ends })
  const listed = await tenantsOf(plan, ends, { sources, departed }).catch((error: unknown) => {
    const isListed = error instanceof RehomeError && listErrors.includes(error.code)
    if (isListed) return error
    throw error
  })
  if (listed instanceof RehomeError) {
    const wrong = [{ where: 'plan field `tenants`', message: `${listed.code}: ${listed.message}` }]
    return { tenants: [], passedOver: { moved: 0, busy: 0 }, wrong }
  }
  const { here, moved } = listed
  const open = await busyTenants(control, [plan.scope, plan.targetScope], here)
  const busy = new Set(open.map(({ tenant_id: tenant }) => tenant))
  const tenants = here.filter((tenant) => !busy.has(tenant))
  return { tenants, passedOver: { moved: moved.length, busy: busy.size }, wrong: [] }
}

const listErrors: readonly ErrorCode[] = ['TENANT_UNKNOWN', 'TENANT_ID_INVALID']

interface Looked extends Pick<TenantLook, 'rows' | 'trouble'> {
  /** Table of the source → rows. */
  readonly counts: ReadonlyMap<string, number>
}

async function lookAt({ plan, ends }: At, surveyed: TenantSurvey, tenant: string): Promise<Looked> {
  const counts = await countsOf(ends.source.rows, surveyed.sources, { plan, tenant })
  const rows = total(counts)
  const there = await countsOf(ends.target.rows, surveyed.targets, { plan, tenant })
  const trouble =
    total(there) > 0
      ? await occupied({ plan, ends }, tenant, there)
      : await colliding({ plan, ends }, surveyed, { tenant, rows })
  return { counts, rows, trouble }
}

async function countsOf(
  rows: Ends['source']['rows'],
  tables: readonly EndTable[],
  { plan: { scope }, tenant }: { plan: Plan; tenant: string },
): Promise<Map<string, number>> {
  const places = tables.map(({ table, path }) => ({ scope, tenant, table, path }))
  const counts = await rows.counts(places)
  return new Map(tables.map(({ table }, i) => [table.name, counts[i] ?? 0]))
}

function total(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((sum, rows) => sum + rows, 0)
}

/** null: an attempt of ours has left the rows there, and the next one removes them. */
async function occupied(
  { plan: { scope }, ends }: At,
  tenant: string,
  counts: ReadonlyMap<string, number>,
): Promise<TenantLook['trouble']> {
  if ((await ends.target.flags.readFlag({ scope, tenant })) !== null) return null
  const where = [...counts].flatMap(([name, rows]) => (rows > 0 ? [`"${name}": ${rows}`] : []))
  const message = `the target already has rows of this tenant (${where.join(', ')})`
  return { code: 'TARGET_NOT_EMPTY', message }
}

async function colliding(
  { plan, ends }: At,
  { routes }: TenantSurvey,
  { tenant, rows }: { tenant: string; rows: number },
): Promise<TenantLook['trouble']> {
  const keyed = routes.filter((route) => keyAtSource(route) !== null)
  const empty = await ends.target.rows.emptyTables(keyed.map(({ target }) => target))
  const filled = keyed.filter(({ target }) => !empty.has(target.name))
  if (filled.length === 0) return null
  const collision = await firstColliding(
    { source: ends.source.rows, target: ends.target.rows },
    filled,
    {
      rows,
      readingOf: (route) => ({
        ...tenantRows({ plan, tenant }, route, 'source'),
        key: [],
        after: nothingRead,
        signal,
      }),
    },
  )
  if (collision === null) return null
  return { code: 'ID_COLLISION', message: collisionText(collision) }
}

function troubleFinding({ tenant, trouble }: TenantLook): Finding[] {
  if (!trouble) return []
  return [{ where: `tenant ${show(tenant)}`, message: `${trouble.code}: ${trouble.message}` }]
}

/** Their moves would end with PAUSE_OVER_BUDGET, each after a pause of that length. */
function overBudget({ pause: { budgetMs } }: Plan, looks: readonly TenantLook[]): Finding[] {
  const over = looks.filter(({ predicted }) => predicted && predicted.pauseMs > budgetMs)
  if (over.length === 0) return []
  const named = over.map(({ tenant, predicted }) => `${show(tenant)}: ${span(predicted?.pauseMs)}`)
  const message = `is ${budgetMs} ms, and the predicted pause of ${over.length} tenant(s) is longer (${firstFew(named)}): set \`strategy: 'online'\`, or a larger budget`
  return [{ where: 'plan field `pause.budgetMs`', message }]
}

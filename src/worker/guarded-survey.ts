/**
 * Surveys both ends for an attempt. Of a plan whose guards stand only while tenants move, the
 * attempt first enters its run at each end, and installs the guards that it finds missing: no fence
 * is announced before they are committed. See ends/postgres/fence/passing-guards.ts.
 */
import { type GuardedAt, type Survey, survey } from '../checks/survey.ts'
import type { Control, Run } from '../control/database.ts'
import { areOfPlan } from '../control/guarded-runs.ts'
import type { Ends, SqlEnd } from '../ends/end.ts'
import { inheritedName, missingGuards } from '../ends/postgres/fence/guard-sql.ts'
import { installWorking } from '../ends/postgres/fence/install-guard.ts'
import { inheritsGuard, movesFlaggedAt, needGuards } from '../ends/postgres/fence/passing-guards.ts'
import { RehomeError } from '../errors.ts'
import { allOf } from '../parallel.ts'
import type { Plan } from '../plan/plan.ts'
import { sqlStateOf, toRehomeError } from '../postgres.ts'
import { qualified } from '../quote.ts'

interface OfRun {
  readonly plan: Plan
  readonly ends: Ends
  readonly run: Pick<Run, 'id' | 'plan_fingerprint'>
  readonly control: Control
}

/**
 * Throws NOT_INSTALLED where our role may not install guards, and where a guard is missing under a
 * flag of the plan's tenants: writes may have passed it, or may not have been logged.
 */
export async function guardedSurvey({ plan, ends, run, control }: OfRun): Promise<Survey> {
  const databases = [ends.source.sql, ends.target.sql].filter((end) => end !== undefined)
  const entry = { id: run.id, staysMs: Math.max(plan.rollback.windowMs, staysMsMin) }
  await Promise.all(databases.map((end) => enter(end, entry)))
  const before = await survey(plan, ends)
  if (missingOf(before).length === 0) return before
  // One attempt at a time: the others of this worker find what the first one has installed.
  const installed = (installing.get(plan) ?? Promise.resolve()).then(async () => {
    // No flag is raised before all guards stand: those that are missing after this look are lost.
    const flagged = await allOf(databases.map(movesFlaggedAt))
    const missing = missingOf(await survey(plan, ends))
    for (const [i, { name }] of databases.entries()) {
      const lost = await lostAt(missing.filter(({ one }) => one.end.name === name))
      const flags = { moves: flagged[i] ?? [], fingerprint: run.plan_fingerprint }
      if (lost && (await areOfPlan(control, flags))) throw lostGuard(lost)
    }
    for (const { one, statements } of missing) await installAt(one, statements)
  })
  installing.set(
    plan,
    installed.catch(() => {}),
  )
  await installed
  const after = await survey(plan, ends)
  const [open] = missingOf(after)
  if (!open) return after
  const message = `table "${open.relation}" at the ${open.one.end.name} has no guard, although this attempt has installed it`
  throw new RehomeError('NOT_INSTALLED', message)
}

/** Far longer than an application has an old home in mind, whatever the plan's window is. */
const staysMsMin = 3_600_000

const installing = new WeakMap<Plan, Promise<void>>()

/** One that saw no writes. Partitions that were made since are guarded by their table's trigger. */
async function lostAt(missing: readonly Missing[]): Promise<Missing | undefined> {
  for (const lost of missing) {
    const { end, schema, table } = lost.one
    const trigger = lost.relation === table.name ? undefined : inheritedName(lost.one)
    const relation = qualified(schema, lost.relation)
    if (!trigger || !(await inheritsGuard(end.pool, { relation, trigger }))) return lost
  }
  return undefined
}

function lostGuard({ relation, one }: Missing): RehomeError {
  const message = `table "${relation}" at the ${one.end.name} has lost its guard, or has another one, while tenants move: run \`rehome init PLAN --guards\``
  return new RehomeError('NOT_INSTALLED', message)
}

async function enter(end: SqlEnd, entry: Parameters<typeof needGuards>[1]): Promise<void> {
  await needGuards(end.lifeline, entry).catch((error: unknown) => {
    throw toRehomeError(error, `the list of runs at the ${end.name}`)
  })
}

interface Missing {
  readonly one: GuardedAt
  readonly relation: string
  readonly statements: readonly string[]
}

function missingOf({ guarded, findings }: Survey): Missing[] {
  // With these no tenant moves, and a guard of such a table might not even be possible.
  if (findings.length > 0) return []
  return guarded.flatMap((one) => missingGuards(one).map((missing) => ({ one, ...missing })))
}

async function installAt(guarded: GuardedAt, statements: readonly string[]): Promise<void> {
  const { end, table } = guarded
  try {
    await installWorking(end.pool, { guarded, statements }, end.name)
  } catch (error) {
    // Another worker has been quicker: the look afterwards decides.
    if (sqlStateOf(error) === '42710') return
    if (sqlStateOf(error) !== '42501') throw error
    const why = error instanceof Error ? error.message : String(error)
    const message = `our role may not install the guard of "${table.name}" at the ${end.name} (${why}): grant it the role that owns the fence, or run \`rehome init PLAN --guards\` with that role`
    throw new RehomeError('NOT_INSTALLED', message, { cause: error })
  }
}

/**
 * Control database, queue and the ends' fences: what `init` installs and everybody else expects.
 */

import { type Kinds, surveyKinds } from '../checks/schema-kinds.ts'
import { type GuardedAt, guardedLike, survey } from '../checks/survey.ts'
import { type Control, closeControl, openControl } from '../control/database.ts'
import { endsOf, type PlanEnd, type PlanEnds, type SqlEnd, tenantsAt } from '../ends/end.ts'
import { openEnd } from '../ends/open/open-end.ts'
import { joinShapes } from '../ends/postgres/changes/change-log.ts'
import { bucketCount, countBuckets, restoreBuckets } from '../ends/postgres/fence/buckets.ts'
import { type Guarded, guardStatements, missingGuards } from '../ends/postgres/fence/guard-sql.ts'
import { installWorking } from '../ends/postgres/fence/install-guard.ts'
import { highestTurn } from '../ends/postgres/fence/turns.ts'
import { fenceIsInstalled } from '../ends/postgres/fence/uninstall.ts'
import { databaseExists } from '../ends/postgres/tenant-schemas.ts'
import { RehomeError } from '../errors.ts'
import { migrate, pendingMigrations, readMigrations } from '../migrations.ts'
import type { Plan } from '../plan/plan.ts'
import { createPool, type Pool, toRehomeError } from '../postgres.ts'
import { migrateQueueSchema, queueSchemaIsReady } from '../queue/queues.ts'
import { keepsOf } from './schema/kept-guards.ts'
import { type Preparable, preparableSchemas } from './schema/prepare-schemas.ts'
import { listedByPlace } from './tenants.ts'

export interface Settings {
  readonly controlUrl: string
  readonly redisUrl?: string | undefined
  readonly environment: NodeJS.ProcessEnv
}

export function openEnds(plan: Plan, environment: NodeJS.ProcessEnv): PlanEnds & AsyncDisposable {
  const { scope: own, targetScope, searchPath, source, target } = plan
  const keeps = [source, target].some(({ kind }) => kind === 'api') && environment.CONTROL_URL
  const flagPool = keeps
    ? createPool({ url: keeps, name: 'flags', size: 4, answerMs: 2_000 })
    : undefined
  const scope = targetScope === own ? undefined : targetScope
  const ends = {
    ...(flagPool && { flagPool }),
    source: openEnd('source', plan.source, { environment, searchPath, flagPool }),
    target: openEnd('target', plan.target, { environment, scope, searchPath, flagPool }),
  }
  return { ...ends, [Symbol.asyncDispose]: () => closeEnds(ends) }
}

/** All databases that the plan lists by name. */
export function openNamedEnds(
  { ends = {}, searchPath }: Plan,
  environment: NodeJS.ProcessEnv,
): Map<string, PlanEnd> {
  const databases = Object.entries(ends).filter(([, { kind }]) => kind === 'sql')
  return new Map(
    databases.map(([name, end]) => [name, openEnd('target', end, { environment, searchPath })]),
  )
}

export async function closeEnds(ends: PlanEnds): Promise<void> {
  await Promise.all([ends.source.close(), ends.target.close(), ends.flagPool?.end()])
}

/**
 * The databases of both ends at which the plan's tenants are; where all are at one, that one. Those
 * of single tenants that do not exist are left out.
 */
export async function* sqlEndsOf(plan: Plan, ends: PlanEnds): AsyncGenerator<SqlEnd> {
  for (const end of [ends.source, ends.target]) {
    const listed = end.places ? await listedByPlace(plan, ends) : []
    for (const { end: one } of end.sql ? [{ end }] : tenantsAt(end, listed)) {
      if (one.sql && (end.sql || (await databaseExists(one.sql)))) yield one.sql
    }
  }
}

/** Throws NOT_INSTALLED where the control database is not as this version needs it. */
export async function openInstalledControl(
  url: string,
): Promise<{ control: Control; installation: string }> {
  const control = openControl(url)
  try {
    const pending = await pendingMigrations(control.pool, 'control')
    if (pending.length > 0) {
      const what = `the control database lacks ${pending.join(', ')}`
      const message = `${what}, or our role may not use its schema: run \`rehome init\`, or grant it`
      throw new RehomeError('NOT_INSTALLED', message)
    }
    const query = 'select id from rehome_control.installation'
    const installation: string = (await control.pool.query(query)).rows[0].id
    return { control, installation }
  } catch (error) {
    await closeControl(control)
    throw toRehomeError(error, 'the control database')
  }
}

/** One thing that `init` would do, in words, as SQL, and as an action. */
export interface Installation {
  readonly what: string
  readonly sql: string
  run(): Promise<unknown>
  /** Whether other steps may come or go until it is done. */
  readonly isFirst?: boolean
}

interface Installed {
  readonly plan: Plan
  readonly ends: PlanEnds
  /** Also guards that stand only while tenants move: they are kept until a person ends that. */
  readonly keepsGuards?: boolean | undefined
}

/** Lists the missing installations in the order in which they are to be done. Reads only. */
export async function pendingInstallations(
  settings: Settings,
  pool: Pool,
  plans: readonly Installed[],
): Promise<Installation[]> {
  const steps = await pendingSchema('control', { pool, what: 'the control database' })
  if (!settings.redisUrl && !(await queueSchemaIsReady(settings.controlUrl))) {
    const run = () => migrateQueueSchema(settings.controlUrl)
    const sql = '-- queue tables: BullMQ installs its own'
    steps.push({ what: 'the queue in the control database', sql, run })
  }
  const visited = new Set<string>()
  const guarded: Pending[] = []
  const schemas: Installation[] = []
  for (const { plan, ends, keepsGuards } of plans) {
    const keeps = keepsGuards && plan.guards === 'while moving'
    if (ends.flagPool) {
      const what = 'flags of ends that have none, in the control database'
      steps.push(...(await pendingSchema('endpoint', { pool: ends.flagPool, what })))
    }
    // An end over HTTP is installed by the application that answers there.
    for await (const end of sqlEndsOf(plan, ends)) {
      if (visited.has(end.address)) continue
      visited.add(end.address)
      const what = `the fence at the ${end.name} (${end.place})`
      steps.push(...(await pendingSchema('endpoint', { pool: end.pool, what })))
      steps.push(...(await lost(pool, end)))
    }
    const kinds = await surveyKinds(plan, ends, () => listedByPlace(plan, ends))
    const tables = await tablesToGuard({ plan, ends }, kinds)
    if (keeps) steps.push(...(await keepsOf(tables)))
    for (const one of tables) guarded.push({ ...one, waits: one.passing && !keeps })
    const preparable = await preparableSchemas({ plan, ends }, kinds.without, pool)
    schemas.push(...preparable.map((one) => schemaStep(plan, one)))
  }
  return [...steps, ...schemas, ...pendingGuards(guarded)]
}

/** A schema, and the guards of its tables; in a new database the fence as well. */
function schemaStep(plan: Plan, { ends, what, sql, create }: Preparable): Installation {
  const run = async () => {
    await create()
    if (ends.target.sql) await migrate(ends.target.sql.pool, 'endpoint')
    const { guarded } = await survey(plan, ends)
    for (const guard of pendingGuards(guarded)) await guard.run()
  }
  return {
    what,
    sql: `${sql}\n-- and the guards of its tables, in a new database with the fence`,
    run,
  }
}

/** Where schemas are alike and have all guards, only those of one schema. */
async function tablesToGuard(
  { plan, ends }: { readonly plan: Plan; readonly ends: PlanEnds },
  { kinds }: Kinds,
): Promise<GuardedAt[]> {
  const tables: GuardedAt[] = []
  for (const { tenants, survey: first } of kinds) {
    tables.push(...first.guarded)
    if (!tenants || first.guarded.every((one) => missingGuards(one).length === 0)) continue
    for (const tenant of tenants.slice(1)) {
      const own = endsOf(ends, tenant)
      tables.push(...(guardedLike(first, own) ?? (await survey(plan, own)).guarded))
    }
  }
  return tables
}

interface Pending extends GuardedAt {
  /** Attempts install it. */
  readonly waits?: boolean
}

/**
 * Plans may share tables, each of which has one guard and one log: these do for all of them. The
 * guard stays where one of them needs it to.
 */
export function pendingGuards(guarded: readonly Pending[]): Installation[] {
  const tables = new Map<string, Pending>()
  for (const one of guarded) {
    const { end, scope, schema, table } = one
    const key = JSON.stringify([end.address, scope, schema, table.name])
    const before = tables.get(key)
    const log = joinShapes(before?.log ?? null, one.log)
    const passing = one.passing && before?.passing !== false
    const waits = (one.waits ?? one.passing) && (before?.waits ?? true)
    tables.set(key, { ...one, log, passing, waits })
  }
  const lacking = new Map<Guarded, readonly string[]>()
  return [...tables.values()].flatMap((one) => {
    const { like, log, passing } = one
    if (one.waits) return []
    const first = like && like.log === log && like.passing === passing ? like : one
    const relations = lacking.get(first) ?? missingGuards(first).map(({ relation }) => relation)
    lacking.set(first, relations)
    return relations.map((relation) => guardStep(one, relation))
  })
}

/** Its statements are made when they are needed: there may be a hundred thousand such steps. */
function guardStep(guarded: GuardedAt, relation: string): Installation {
  const { end } = guarded
  const statements = () => guardStatements(guarded, relation)
  return {
    what: `the guard of ${nameOf(guarded, relation)} at the ${end.name}`,
    get sql() {
      return `${statements().join(';\n')};`
    },
    run: () => installWorking(end.pool, { guarded, statements: statements() }, end.name),
  }
}

function nameOf({ end, schema }: GuardedAt, relation: string): string {
  if (end.isWholeDatabase) return `"${relation}" in ${end.place}`
  return end.tenant === undefined ? `"${relation}"` : `"${schema}"."${relation}"`
}

async function pendingSchema(
  set: 'control' | 'endpoint',
  at: { pool: Pool; what: string },
): Promise<Installation[]> {
  const pending = await pendingMigrations(at.pool, set).catch((error: unknown) => {
    throw toRehomeError(error, at.what)
  })
  if (pending.length === 0) return []
  const files = (await readMigrations(set)).filter((file) => pending.includes(file.name))
  const schema = set === 'control' ? 'rehome_control' : 'rehome'
  const sql = [`create schema if not exists ${schema};`, ...files.map((file) => file.sql)].join(
    '\n',
  )
  return [{ what: `${at.what}: ${pending.join(', ')}`, sql, run: () => migrate(at.pool, set) }]
}

/**
 * Finds installed state that was lost since. A control database that is new, or was restored from a
 * backup, counts turns that the ends have seen already: they would refuse it.
 */
async function lost(pool: Pool, end: SqlEnd): Promise<Installation[]> {
  if (!(await fenceIsInstalled(end))) return []
  const steps: Installation[] = []
  if ((await countBuckets(end.pool)) < bucketCount) {
    const what = `rows that are missing in rehome.buckets at the ${end.name}`
    steps.push({ what, sql: `${restoreBuckets};`, run: () => end.pool.query(restoreBuckets) })
  }
  const highest = await highestTurn(end.pool)
  if (highest > (await lastTurn(pool))) {
    const what = `turns up to ${highest}, which the ${end.name} has seen`
    const sql = `select setval('rehome_control.turns', greatest(last_value, ${highest}))
      from rehome_control.turns`
    steps.push({ what, sql: `${sql};`, run: () => pool.query(sql) })
  }
  return steps
}

/** 0 where none was given yet. */
async function lastTurn(pool: Pool): Promise<bigint> {
  const exists = `select to_regclass('rehome_control.turns') is not null as installed`
  if (!(await pool.query(exists)).rows[0].installed) return 0n
  const query = `select case when is_called then last_value else 0 end::text as last
    from rehome_control.turns`
  return BigInt((await pool.query(query)).rows[0].last)
}

/** Installs whatever is pending for these plans, and returns what that was. */
export async function install(
  settings: Settings,
  plans: readonly Plan[],
  onStep: (step: Installation) => void = () => {},
): Promise<string[]> {
  const opened = plans.map((plan) => ({ plan, ends: openEnds(plan, settings.environment) }))
  const pool = createPool({ url: settings.controlUrl, name: 'control', size: 2 })
  try {
    const steps = await pendingInstallations(settings, pool, opened)
    for (const step of steps) {
      onStep(step)
      await step.run()
    }
    return steps.map((step) => step.what)
  } finally {
    await Promise.all([pool.end(), ...opened.map(({ ends }) => closeEnds(ends))])
  }
}

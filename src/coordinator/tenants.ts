/** Which tenants a plan means, in the form in which the source's column writes them. */

import { sourcesAlone } from '../checks/survey.ts'
import { type PlanEnds, tenantsAt } from '../ends/end.ts'
import { wholeApplication } from '../ends/flags.ts'
import { readList } from '../ends/postgres/read-list.ts'
import { unlessGone } from '../ends/postgres/tenant-schemas.ts'
import type { Known } from '../ends/rows.ts'
import { RehomeError } from '../errors.ts'
import { inPages, inParallel } from '../parallel.ts'
import type { Plan } from '../plan/plan.ts'
import type { EndTable } from '../plan/routing/route.ts'
import { isSql, type SqlText } from '../plan/sql-text.ts'
import { toRehomeError } from '../postgres.ts'

const maxBytes = 1024

export interface TenantsAsked {
  /** The tables of the source. */
  readonly sources: readonly EndTable[]
  readonly only?: readonly string[] | undefined
  /** Those among them that have left the source. Default: none has. */
  readonly departed?: (tenants: readonly string[]) => Promise<readonly string[]>
}

export interface PlannedTenants {
  /** At the source. */
  readonly here: readonly string[]
  readonly moved: readonly string[]
}

/**
 * The plan's tenants, or those of `only`, each of which has to be one of them. Throws
 * TENANT_UNKNOWN or TENANT_ID_INVALID and names the first.
 */
export async function tenantsOf(
  plan: Plan,
  ends: PlanEnds,
  { sources, only, departed = async () => [] }: TenantsAsked,
): Promise<PlannedTenants> {
  for (const tenant of only ?? []) refuseBadId(tenant)
  const planned = await writtenAs({ plan, ends, sources }, await listTenants(plan, ends))
  // What else the plan lists is no affair of those that are asked for.
  const chosen = only ? await writtenAs({ plan, ends, sources }, only) : planned
  const away = new Set(await inChunks([...chosen.tenants], departed))
  const here = [...chosen.tenants].filter((tenant) => !away.has(tenant))
  const rowless = here.find((tenant) => chosen.rowless.has(tenant))
  if (rowless !== undefined) {
    throw new RehomeError('TENANT_UNKNOWN', `the source has no row of tenant ${show(rowless)}`)
  }
  const unknown = here.find((tenant) => !planned.tenants.has(tenant))
  if (unknown !== undefined) {
    throw new RehomeError('TENANT_UNKNOWN', `tenant ${show(unknown)} is none of the plan's tenants`)
  }
  return { here, moved: [...away] }
}

/** There may be a million tenants: they are listed and asked about in parts. */
export const pageSize = 5_000

/** Answers about each of the parts, in order. */
async function inChunks<T>(
  tenants: readonly string[],
  ask: (some: readonly string[]) => Promise<readonly T[]>,
): Promise<T[]> {
  const answers: T[] = []
  for (let i = 0; i < tenants.length; i += pageSize) {
    for (const answer of await ask(tenants.slice(i, i + pageSize))) answers.push(answer)
  }
  return answers
}

interface Written {
  /** Each once, in the column type's own text: flags are found by it. */
  readonly tenants: ReadonlySet<string>
  /** Those of which the source has no row. */
  readonly rowless: ReadonlySet<string>
}

/** Throws TENANT_ID_INVALID. */
export async function writtenAs(at: KnownBy, listed: readonly string[]): Promise<Written> {
  const tenants = new Set<string>()
  const rowless = new Set<string>()
  await inChunks(listed, async (some) => {
    for (const tenant of some) refuseBadId(tenant)
    for (const { tenant, hasRows } of await knownTenants(at, some)) {
      tenants.add(tenant)
      if (!hasRows) rowless.add(tenant)
    }
    return []
  })
  return { tenants, rowless }
}

export interface KnownBy {
  readonly plan: Plan
  readonly ends: PlanEnds
  /** The tables by which the source knows tenants. Those of several ends are read there. */
  readonly sources: readonly EndTable[]
}

/** Databases that are asked at once. */
const databasesAtOnce = 4
const { signal } = new AbortController()

/** Asks each database of the source about its tenants. One that does not exist has none. */
export async function knownTenants(
  { plan, ends, sources }: KnownBy,
  tenants: readonly string[],
): Promise<Known[]> {
  const { rows } = ends.source
  if (rows) return [...(await rows.knownTenants(tenants, sources))]
  const answers: Known[] = []
  const groups = tenantsAt(ends.source, tenants)
  await inParallel(groups, { limit: databasesAtOnce, signal }, async ({ end, tenants: some }) => {
    const own = await sourcesAlone(plan, { ...ends, source: end }).catch(unlessGone)
    const rowsThere = await end.rows.knownTenants(some, own ?? []).catch(unlessGone)
    answers.push(...(rowsThere ?? some.map((tenant) => ({ tenant, hasRows: false }))))
  })
  return answers
}

/** The plan's tenants as the source's column writes them. null: see `tenantsIfListed`. */
export async function listedAsWritten(
  plan: Plan,
  ends: PlanEnds,
  sources: readonly EndTable[],
): Promise<ReadonlySet<string> | null> {
  const listed = await tenantsIfListed(plan, ends)
  return listed && (await writtenAs({ plan, ends, sources }, listed)).tenants
}

/** Tenants of a plan where each has a place of its own; none where they are listed only once. */
export async function listedByPlace(plan: Plan, ends: PlanEnds): Promise<string[]> {
  const listed = await listedAsWritten(plan, ends, await sourcesAlone(plan, ends))
  return [...(listed ?? [])]
}

/** null: they cannot be listed, or only once, as `enqueue` has to. */
export async function tenantsIfListed(
  plan: Plan,
  ends: PlanEnds,
): Promise<readonly string[] | null> {
  const { tenants } = plan
  const isOnce = !('sql' in tenants) && typeof tenants !== 'function' && !Array.isArray(tenants)
  return isOnce ? null : await listTenants(plan, ends).catch(() => null)
}

async function listTenants(plan: Plan, ends: PlanEnds): Promise<string[]> {
  const list: string[] = []
  for await (const page of listedPages(plan, ends)) for (const tenant of page) list.push(tenant)
  return list
}

/** The plan's tenants as it lists them. */
export async function* listedPages(plan: Plan, ends: PlanEnds): AsyncGenerator<readonly string[]> {
  const { tenants } = plan
  if (isSql(tenants)) yield* queriedPages(ends, tenants, 'tenants')
  else yield* inPages(typeof tenants === 'function' ? tenants() : tenants, pageSize)
}

/** `field`: that of the plan. Throws PLAN_INVALID where it fails, or the source is no database. */
export async function* queriedPages(
  { source: { sql: source } }: PlanEnds,
  { sql }: SqlText,
  field: 'tenants' | 'waves' | 'order',
): AsyncGenerator<readonly string[]> {
  if (!source) {
    const instead = field === 'order' ? 'order by a fact' : 'list the tenants'
    const message = `plan field \`${field}\` is SQL, and the source is no database, or one of several: ${instead}`
    throw new RehomeError('PLAN_INVALID', message)
  }
  // Under the plan's search path, where others may have functions of this name.
  const query = `select pg_catalog.format('%s', tenant_id) from (${sql}) t (tenant_id)
    where tenant_id is not null`
  try {
    yield* readList(source, query, pageSize)
  } catch (error) {
    const what = field === 'tenants' ? 'for tenants' : `in \`${field}\``
    const cause = toRehomeError(error, `the plan's query ${what}`)
    if (cause.retryable) throw cause
    throw new RehomeError('PLAN_INVALID', cause.message, { cause: error })
  }
}

/** Throws TENANT_ID_INVALID for what no database can hold as a tenant's id. */
export function refuseBadId(tenant: unknown): void {
  const complain = (what: string) => new RehomeError('TENANT_ID_INVALID', what)
  if (typeof tenant !== 'string') throw complain(`a tenant id is ${typeof tenant}, not text`)
  const bytes = Buffer.byteLength(tenant)
  if (bytes === 0) throw complain('a tenant id is empty')
  if (bytes > maxBytes) {
    throw complain(`tenant ${show(tenant)} has ${bytes} bytes, and ${maxBytes} is the most`)
  }
  if (tenant.includes('\u0000')) throw complain(`tenant ${show(tenant)} has a NUL character`)
  if (tenant === wholeApplication) {
    throw complain('"*" stands for the whole application, and no single tenant can be called so')
  }
  // Half a character would arrive as U+FFFD, which may be another tenant's id.
  if (/\p{Surrogate}/u.test(tenant)) throw complain(`tenant ${show(tenant)} is not well-formed`)
}

/** Short and quoted, so that a hostile id cannot pretend to be part of the message. */
export function show(tenant: string): string {
  const text = [...tenant].slice(0, 40).join('')
  return JSON.stringify(text.length < tenant.length ? `${text}…` : text)
}

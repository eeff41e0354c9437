/** Which tenants a plan means, in the form in which the source's column writes them. */

import type { Survey } from '../checks/survey.ts'
import type { Ends } from '../ends/end.ts'
import { wholeApplication } from '../ends/flags.ts'
import { queryPlan } from '../ends/postgres/search-path.ts'
import type { Known } from '../ends/rows.ts'
import { RehomeError } from '../errors.ts'
import type { Plan } from '../plan/plan.ts'
import { explain } from '../postgres.ts'

const maxBytes = 1024

export interface TenantsAsked {
  readonly survey: Survey
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
  ends: Ends,
  { survey, only, departed = async () => [] }: TenantsAsked,
): Promise<PlannedTenants> {
  for (const tenant of only ?? []) refuseBadId(tenant)
  const listed = await listTenants(plan, ends)
  for (const tenant of listed) refuseBadId(tenant)
  const found = await ends.source.rows.knownTenants(listed, survey.sources)
  // What else the plan lists is no affair of those that are asked for.
  const asked = only ? await ends.source.rows.knownTenants(only, survey.sources) : found
  const away = new Set(await departed(asked.map(({ tenant }) => tenant)))
  const here = allKnown(asked.filter(({ tenant }) => !away.has(tenant)))
  const known = new Set(found.map(({ tenant }) => tenant))
  const unknown = here.find((tenant) => !known.has(tenant))
  if (unknown !== undefined) {
    throw new RehomeError('TENANT_UNKNOWN', `tenant ${show(unknown)} is none of the plan's tenants`)
  }
  return { here: [...new Set(here)], moved: [...away] }
}

/** null: they cannot be listed, or only once, as `enqueue` has to. */
export async function tenantsIfListed(plan: Plan, ends: Ends): Promise<readonly string[] | null> {
  const { tenants } = plan
  const isOnce = !('sql' in tenants) && typeof tenants !== 'function' && !Array.isArray(tenants)
  return isOnce ? null : await listTenants(plan, ends).catch(() => null)
}

async function listTenants(plan: Plan, ends: Ends): Promise<string[]> {
  const { tenants } = plan
  if ('sql' in tenants) {
    const query = `select t.* from (${tenants.sql}) t (tenant_id)`
    const source = ends.source.sql
    if (!source) {
      const message = 'plan field `tenants` is SQL, and the source is no database: list the tenants'
      throw new RehomeError('PLAN_INVALID', message)
    }
    const asked = { text: query, rowMode: 'array', types: { getTypeParser: () => String } } as const
    const result = await queryPlan(source.pool, source, asked).catch((error: unknown) => {
      const cause = explain(error, "the plan's query for tenants")
      if (cause.retryable) throw cause
      throw new RehomeError('PLAN_INVALID', cause.message, { cause: error })
    })
    return result.rows.flatMap((row: (string | null)[]) => row[0] ?? [])
  }
  const source = typeof tenants === 'function' ? tenants() : tenants
  const list: string[] = []
  for await (const tenant of source) list.push(tenant)
  return list
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

/** Ids in the column type's own text: flags are found by it. Unknown ones are refused. */
function allKnown(found: readonly Known[]): string[] {
  const unknown = found.find(({ hasRows }) => !hasRows)?.tenant
  if (unknown === undefined) return found.map(({ tenant }) => tenant)
  throw new RehomeError('TENANT_UNKNOWN', `the source has no row of tenant ${show(unknown)}`)
}

/** Short and quoted, so that a hostile id cannot pretend to be part of the message. */
export function show(tenant: string): string {
  const text = [...tenant].slice(0, 40).join('')
  return JSON.stringify(text.length < tenant.length ? `${text}…` : text)
}

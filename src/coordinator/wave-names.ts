/**
 * Tenants that waves of a plan name. Rule: a name is read as the source's column writes it, and one
 * that means no tenant of the plan is refused by name: a tenant that was meant for the first wave
 * would move with the last one otherwise.
 */
import { firstFew, RehomeError } from '../errors.ts'
import { inPages } from '../parallel.ts'
import type { Finding } from '../plan/catalogs/catalog.ts'
import { isSql } from '../plan/sql-text.ts'
import { type KnownBy, knownTenants, pageSize, queriedPages, refuseBadId, show } from './tenants.ts'

export type Naming = KnownBy

export interface KnownNames {
  /** Those among these that are none of the plan's tenants. */
  readonly unlistedOf: (tenants: readonly string[]) => Promise<readonly string[]>
  /** Those among these that have left the source. */
  readonly departed: (tenants: readonly string[]) => Promise<readonly string[]>
  /** Called with the tenants that the wave at this place, from 0, names, in parts. */
  readonly onNamed?: (place: number, tenants: readonly string[]) => Promise<void>
}

/**
 * One finding for each wave that names tenants which the plan does not have, and never had. A query
 * may know more of them than the plan. Throws TENANT_ID_INVALID, or PLAN_INVALID for a query that
 * fails.
 */
export async function waveNameFindings(at: Naming, names: KnownNames): Promise<Finding[]> {
  const findings: Finding[] = []
  for (const [i, { tenants }] of (at.plan.waves ?? []).entries()) {
    if (tenants === undefined) continue
    const isQueried = isSql(tenants)
    const unknown: string[] = []
    for await (const page of isQueried
      ? queriedPages(at.ends, tenants, 'waves')
      : inPages(tenants, pageSize)) {
      const written = await asWritten(at, page)
      await names.onNamed?.(i, written)
      if (!isQueried) unknown.push(...(await unknownOf(written, names)))
    }
    if (unknown.length === 0) continue
    const few = firstFew(unknown.map(show))
    const message = `wave ${i + 1} names tenants that are none of the plan's: ${few}`
    findings.push({ where: 'plan field `waves`', message })
  }
  return findings
}

/** A plan may list only those that are still to move. */
async function unknownOf(
  tenants: readonly string[],
  { unlistedOf, departed }: KnownNames,
): Promise<string[]> {
  const unlisted = await unlistedOf(tenants)
  const gone = new Set(unlisted.length === 0 ? [] : await departed(unlisted))
  return unlisted.filter((tenant) => !gone.has(tenant))
}

/** Names as the source's column writes them, each once. */
export async function asWritten(at: Naming, tenants: readonly string[]): Promise<string[]> {
  for (const tenant of tenants) refuseBadId(tenant)
  const written = await knownTenants(at, tenants)
  return [...new Set(written.map(({ tenant }) => tenant))]
}

/** Throws TENANT_UNKNOWN. */
export function refuseUnknownNames(findings: readonly Finding[]): void {
  if (findings.length === 0) return
  throw new RehomeError('TENANT_UNKNOWN', findings.map(({ message }) => message).join('; '))
}

/**
 * Tenants that waves of a plan name. Rule: a name is read as the source's column writes it, and one
 * that means no tenant of the plan is refused by name: a tenant that was meant for the first wave
 * would move with the last one otherwise.
 */
import { firstFew, RehomeError } from '../errors.ts'
import type { Finding } from '../plan/catalogs/catalog.ts'
import type { FactsOfTenants } from '../plan/facts.ts'
import { isSql } from '../plan/sql-text.ts'
import { inOrderListed, inOrderOf } from '../plan/timing/tenant-order.ts'
import type { NamedWave } from '../plan/waves.ts'
import { type KnownBy, knownTenants, queryTenants, refuseBadId, show } from './tenants.ts'

export type Naming = KnownBy

/**
 * The plan's waves, with names as the column writes them. Throws TENANT_ID_INVALID, or PLAN_INVALID
 * for a query that fails.
 */
export async function wavesAsWritten(at: Naming): Promise<readonly NamedWave[]> {
  const waves: NamedWave[] = []
  for (const { tenants, ...wave } of at.plan.waves ?? []) {
    if (tenants === undefined) waves.push(wave)
    else {
      const isQueried = isSql(tenants)
      const named = isQueried ? await queryTenants(at.ends, tenants, 'waves') : tenants
      waves.push({ ...wave, tenants: await asWritten(at, named), ...(isQueried && { isQueried }) })
    }
  }
  return waves
}

async function asWritten(at: Naming, tenants: readonly string[]) {
  for (const tenant of tenants) refuseBadId(tenant)
  const written = await knownTenants(at, tenants)
  return written.map(({ tenant }) => tenant)
}

/** The tenants in the order in which they are to begin. Throws PLAN_INVALID for a wrong query. */
export async function inPlanOrder(
  tenants: readonly string[],
  at: Naming,
  facts: FactsOfTenants,
): Promise<string[]> {
  const { order } = at.plan
  if (!order) return [...tenants]
  if ('by' in order) return inOrderOf(tenants, order, (tenant) => facts.get(tenant) ?? {})
  const listed = await asWritten(at, await queryTenants(at.ends, order, 'order'))
  return inOrderListed(tenants, listed)
}

export interface KnownNames {
  /** The plan's tenants, as the column writes them. */
  readonly listed: ReadonlySet<string>
  /** Those among these that have left the source. */
  readonly departed: (tenants: readonly string[]) => Promise<readonly string[]>
}

/** One finding for each wave that names tenants which the plan does not have, and never had. */
export async function waveNameFindings(
  waves: readonly NamedWave[],
  { listed, departed }: KnownNames,
): Promise<Finding[]> {
  const named = waves.map(({ tenants, isQueried }) => (isQueried ? [] : (tenants ?? [])))
  const unlisted = named.map((tenants) => tenants.filter((one) => !listed.has(one)))
  const all = [...new Set(unlisted.flat())]
  if (all.length === 0) return []
  // A plan may list only those that are still to move.
  const gone = new Set(await departed(all))
  return unlisted.flatMap((tenants, i) => {
    const unknown = tenants.filter((tenant) => !gone.has(tenant)).map(show)
    if (unknown.length === 0) return []
    const message = `wave ${i + 1} names tenants that are none of the plan's: ${firstFew(unknown)}`
    return [{ where: 'plan field `waves`', message }]
  })
}

/** Throws TENANT_UNKNOWN. */
export async function refuseUnknownNames(
  waves: readonly NamedWave[],
  names: KnownNames,
): Promise<void> {
  const findings = await waveNameFindings(waves, names)
  if (findings.length === 0) return
  throw new RehomeError('TENANT_UNKNOWN', findings.map(({ message }) => message).join('; '))
}

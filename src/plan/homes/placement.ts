/**
 * Placements: functions that return the name of an end for a tenant, for `source` and `target` of a
 * plan. Each returns the same for a tenant in every process. Pure.
 */
import { createHash } from 'node:crypto'
import { RehomeError } from '../../errors.ts'

export type Placement = (tenant: string) => string

/** The end of each tenant that is listed; `others`: that of all others. Throws PLAN_INVALID. */
export function byList(list: Readonly<Record<string, string>>, others?: string): Placement {
  return (tenant) => {
    const end = Object.hasOwn(list, tenant) ? list[tenant] : others
    if (end !== undefined) return end
    const message = `placement \`byList\`: tenant ${JSON.stringify(tenant.slice(0, 80))} is not listed, and there is no end for others`
    throw new RehomeError('PLAN_INVALID', message, { tenant })
  }
}

/**
 * One of the ends by a hash of the tenant's id, evenly. With one more end, tenants move only to
 * that one (rendezvous hashing).
 */
export function byHash(ends: readonly string[]): Placement {
  refuseNone('byHash', ends)
  return (tenant) => {
    const weighed = ends.map((end) => ({ end, weight: weightOf(end, tenant) }))
    return weighed.reduce((best, one) => (one.weight > best.weight ? one : best)).end
  }
}

function weightOf(end: string, tenant: string): string {
  return createHash('sha256')
    .update(JSON.stringify([end, tenant]))
    .digest('hex')
}

export interface Loads {
  /** Rows or bytes that each end has already. */
  readonly ends: Readonly<Record<string, number>>
  /** Rows or bytes of the tenants to be placed, in the same unit. */
  readonly tenants: Readonly<Record<string, number>>
}

/**
 * The end that has least, the largest tenants first. Sizes have to stay as they are while moves of
 * the plan last: write them into the plan or a file. Throws PLAN_INVALID for other tenants.
 */
export function byLeast({ ends, tenants }: Loads): Placement {
  refuseNone('byLeast', Object.keys(ends))
  const loads = Object.entries(ends).map(([end, load]) => ({ end, load }))
  const largestFirst = Object.entries(tenants).toSorted(
    ([a, sizeOfA], [b, sizeOfB]) => sizeOfB - sizeOfA || (a < b ? -1 : 1),
  )
  const list: Record<string, string> = {}
  for (const [tenant, size] of largestFirst) {
    const least = loads.reduce((best, one) => (one.load < best.load ? one : best))
    least.load += size
    list[tenant] = least.end
  }
  return byList(list)
}

function refuseNone(helper: string, ends: readonly string[]): void {
  if (ends.length > 0) return
  throw new RehomeError('PLAN_INVALID', `placement \`${helper}\`: there is no end to choose from`)
}

/** An end that is one of several databases: a function of the plan chooses it for each tenant. */
import { RehomeError } from '../../errors.ts'
import type { NamedEnds } from '../../plan/endpoint.ts'
import { notAmong } from '../../plan/homes/named-ends.ts'
import { endOf, type PlanEnd, placeOfTenant, type TenantsAt, tenantsAt } from '../end.ts'

/** `opened`: name → end. They are closed with this one. */
export function chosenEnds(
  name: 'source' | 'target',
  { nameOf, ends }: NamedEnds,
  opened: ReadonlyMap<string, PlanEnd>,
): PlanEnd {
  const chosen = (tenant: string): PlanEnd => {
    const named: unknown = nameOf(tenant)
    const end = typeof named === 'string' ? opened.get(named) : undefined
    if (end) return end
    const whose = JSON.stringify(tenant.slice(0, 80))
    const message = `plan field \`${name}\` names an end for tenant ${whose}: ${notAmong(named, ends)}`
    throw new RehomeError('PLAN_INVALID', message, { tenant })
  }
  function* among(tenants: readonly string[]): Iterable<TenantsAt> {
    const groups = new Map<PlanEnd, string[]>()
    for (const tenant of tenants) {
      const end = chosen(tenant)
      const group = groups.get(end) ?? []
      groups.set(end, group)
      group.push(tenant)
    }
    for (const [end, group] of groups) yield* tenantsAt(end, group)
  }
  return {
    name,
    place: `one of ${[...opened.keys()].join(', ')}`,
    places: {
      of: (tenant) => endOf(chosen(tenant), tenant),
      placeOf: (tenant) => placeOfTenant(chosen(tenant), tenant),
      among,
    },
    close: async () => {
      await Promise.all([...opened.values()].map((end) => end.close()))
    },
  }
}

/** An end that is one of several databases: a function of the plan chooses it for each tenant. */
import { RehomeError } from '../../errors.ts'
import type { NamedEnds } from '../../plan/endpoint.ts'
import { notAmong } from '../../plan/homes/named-ends.ts'
import {
  type End,
  endAtPlace,
  endOf,
  type PlanEnd,
  placeOfTenant,
  type TenantsAt,
  tenantsAt,
} from '../end.ts'
import { askPlan, ifPlaced } from '../placing.ts'

/** `opened`: name → end. They are closed with this one. */
export function chosenEnds(
  name: 'source' | 'target',
  { nameOf, ends }: NamedEnds,
  opened: ReadonlyMap<string, PlanEnd>,
): PlanEnd {
  const choose = (tenant: string): readonly [string, PlanEnd] => {
    const named: unknown = askPlan({ field: name, tenant }, () => nameOf(tenant))
    const end = typeof named === 'string' ? opened.get(named) : undefined
    if (typeof named === 'string' && end) return [named, end]
    const whose = JSON.stringify(tenant.slice(0, 80))
    const message = `plan field \`${name}\` names an end for tenant ${whose}: ${notAmong(named, ends)}`
    throw new RehomeError('PLAN_INVALID', message, { tenant })
  }
  const chosen = (tenant: string) => choose(tenant)[1]
  const at = (tenant: string, place: string): End | null => {
    for (const [chosenAs, one] of opened) {
      const end = ifPlaced(() => endAtPlace(one, tenant, place))
      if (end) return { ...end, chosenAs }
    }
    return null
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
      of(tenant) {
        const [chosenAs, end] = choose(tenant)
        return { ...endOf(end, tenant), chosenAs }
      },
      placeOf: (tenant) => placeOfTenant(chosen(tenant), tenant),
      at,
      among,
    },
    close: async () => {
      await Promise.all([...opened.values()].map((end) => end.close()))
    },
  }
}

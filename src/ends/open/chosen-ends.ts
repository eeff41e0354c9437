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
  const named = new Map([...opened].map(([key, end]) => [key, { ...end, chosenAs: key }] as const))
  const chosen = (tenant: string): Chosen => {
    const key: unknown = askPlan({ field: name, tenant }, () => nameOf(tenant))
    const end = typeof key === 'string' ? named.get(key) : undefined
    if (end) return end
    const whose = JSON.stringify(tenant.slice(0, 80))
    const message = `plan field \`${name}\` names an end for tenant ${whose}: ${notAmong(key, ends)}`
    throw new RehomeError('PLAN_INVALID', message, { tenant })
  }
  const at = (tenant: string, place: string): End | null => {
    for (const one of named.values()) {
      const end = ifPlaced(() => endAtPlace(one, tenant, place))
      if (end) return asChosen(one, end)
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
        const one = chosen(tenant)
        return asChosen(one, endOf(one, tenant))
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

interface Chosen extends PlanEnd {
  readonly chosenAs: string
}

/** Returns one object for all tenants of a database: what is known of an end is kept with it. */
function asChosen({ chosenAs }: Chosen, end: End): End {
  return end.chosenAs === chosenAs ? end : { ...end, chosenAs }
}

/** The order in which the tenants of a run begin. Pure. */
import { type Facts, orderOf } from '../facts.ts'
import type { SqlText } from '../sql-text.ts'

/**
 * A fact of the plan, or `rows`; or an SQL query of one column that lists them, run at the source.
 */
export type TenantOrder = { readonly by: string; readonly descending?: true | undefined } | SqlText

/** Sorts by a fact. Tenants without it come last, and equal ones stay in their order. */
export function inOrderOf(
  tenants: readonly string[],
  { by, descending }: { readonly by: string; readonly descending?: true | undefined },
  factsOf: (tenant: string) => Facts,
): string[] {
  const factOf = (tenant: string) => factsOf(tenant)[by] ?? null
  const having = tenants.filter((tenant) => factOf(tenant) !== null)
  const lacking = tenants.filter((tenant) => factOf(tenant) === null)
  const sign = descending ? -1 : 1
  const sorted = having.toSorted((a, b) => sign * (orderOf(factOf(a), factOf(b)) ?? 0))
  return [...sorted, ...lacking]
}

/** Sorts by a list. Tenants that are not in the list come last, in their order. */
export function inOrderListed(tenants: readonly string[], listed: readonly string[]): string[] {
  const places = new Map<string, number>()
  for (const tenant of listed) if (!places.has(tenant)) places.set(tenant, places.size)
  const placeOf = (tenant: string) => places.get(tenant) ?? places.size
  return tenants.toSorted((a, b) => placeOf(a) - placeOf(b))
}

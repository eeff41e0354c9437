/** Options that a plan gives to rows of everybody, in either direction. Pure. */
import type { Sharing } from '../table-options.ts'
import type { Route } from './route.ts'

export function sharingOf({ plan, backOf }: Pick<Route, 'plan' | 'backOf'>): Sharing {
  return (backOf?.plan ?? plan).sharing ?? { missing: 'refuse', differing: 'refuse' }
}

/** Columns that tell rows apart which have other ids at each end, under the same names. */
export function tellingOf(route: Route): string[] {
  const by = sharingOf(route).newIds?.by ?? []
  const ofPlan = ({ name, from }: Route['columns'][number]) => (route.backOf ? name : from)
  return route.columns.filter((one) => by.includes(ofPlan(one) ?? '')).map(({ name }) => name)
}

/** The compared columns, under the names of the end that the rows go to. */
export function comparedOf(route: Route): string[] {
  const { compare } = sharingOf(route)
  // `compare` has the names of the plan's source.
  const ofPlan = ({ name, from }: Route['columns'][number]) => (route.backOf ? name : from)
  return route.columns
    .filter((column) => compare?.includes(ofPlan(column) ?? '') ?? true)
    .map(({ name }) => name)
}

import type { Plan } from './plan.ts'

/** Tables at both ends of the plan; `*` where the plan takes all that have the tenant's column. */
export function plannedNames({ tables }: Pick<Plan, 'tables'>): string[] {
  return tables.flatMap((one) => {
    if (one.kind === 'discover') return ['*']
    if (one.kind === 'stream') return [...one.to]
    return one.to === undefined ? [one.name] : [one.name, one.to]
  })
}

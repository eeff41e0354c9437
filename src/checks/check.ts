/** A check of a plan against the catalogues of its two ends. */
import type { Catalog, Finding } from '../plan/catalogs/catalog.ts'
import type { Plan } from '../plan/plan.ts'
import type { Routing } from '../plan/routing/routes.ts'

export interface Checked {
  readonly plan: Plan
  readonly routing: Routing
  readonly source: Catalog
  readonly target: Catalog
}

/** Pure: names what stands between the plan and its moves, each with its remedy. */
export type Check = (checked: Checked) => Finding[]

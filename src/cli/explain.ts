/** Prints how each table of the source belongs to tenants, and how many rows one tenant has. */
import { survey } from '../checks/survey.ts'
import { closeEnds, openEnds } from '../coordinator/installation.ts'
import { tenantsOf } from '../coordinator/tenants.ts'
import { number } from '../numbers.ts'
import { checkPlan } from '../plan/check-plan.ts'
import type { PlanInput } from '../plan/plan.ts'
import { type ExplainedTable, explainTables } from '../plan/scaffold/explain.ts'
import { print } from './context.ts'
import { safe, tableText } from './print.ts'

export interface Explanation {
  /** The first of the plan's tenants; null: there is none. */
  readonly tenant: string | null
  /** `rows`: of that tenant; null where no path finds them. */
  readonly tables: readonly (ExplainedTable & { readonly rows: number | null })[]
}

export async function explainPlan(input: PlanInput): Promise<Explanation> {
  const plan = checkPlan(input)
  const ends = openEnds(plan, process.env)
  try {
    const found = await survey(plan, ends)
    const [tenant = null] = (await tenantsOf(plan, ends, { survey: found })).here
    const counted = tenant === null ? [] : found.sources
    const owned = counted.map((at) => ({ scope: plan.scope, tenant: tenant ?? '', ...at }))
    const counts = await ends.source.rows.counts(owned)
    const rows = new Map(counted.map(({ table }, i) => [table.name, counts[i] ?? 0]))
    const tables = explainTables(plan, found.source, found.sources)
    return { tenant, tables: tables.map((one) => ({ ...one, rows: rows.get(one.table) ?? null })) }
  } finally {
    await closeEnds(ends)
  }
}

export function printExplanation({ tenant, tables }: Explanation): void {
  const count = (fate: string) => tables.filter((one) => one.fate === fate).length
  print(`${count('moves')} tables move, ${count('shared')} are shared, ${count('stays')} stay`)
  const head = ['table', '', tenant === null ? 'rows' : `rows of ${safe(tenant, 40)}`, 'why']
  const lines = tables.map(({ table, fate, why, rows }) => {
    return [safe(table, 63), fate, rows === null ? '' : number(rows), safe(why, 200)]
  })
  print(tableText([head, ...lines]))
}

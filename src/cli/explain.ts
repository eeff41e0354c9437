/** Prints how each table of the source belongs to tenants, and how many rows one tenant has. */
import { sourcesAlone, survey } from '../checks/survey.ts'
import { openEnds } from '../coordinator/installation.ts'
import { tenantsOf } from '../coordinator/tenants.ts'
import { commonEnds, endsOf } from '../ends/end.ts'
import { number } from '../numbers.ts'
import { checkPlan } from '../plan/check-plan.ts'
import type { PlanInput } from '../plan/plan.ts'
import { type ExplainedTable, explainTables } from '../plan/scaffold/explain.ts'
import { print } from './context.ts'
import { safe, tableText } from './print.ts'

export interface Explanation {
  /** The first of the plan's tenants; null: there is none. */
  readonly tenant: string | null
  /** `rows`: of that tenant, or that it needs; null where no path finds them. */
  readonly tables: readonly (ExplainedTable & { readonly rows: number | null })[]
}

export async function explainPlan(input: PlanInput): Promise<Explanation> {
  const plan = checkPlan(input)
  await using ends = openEnds(plan, process.env)
  const sources = await sourcesAlone(plan, ends)
  const [tenant = null] = (await tenantsOf(plan, ends, { sources })).here
  const own = tenant === null ? commonEnds(ends) : endsOf(ends, tenant)
  if (!own) return { tenant, tables: [] }
  const surveyed = await survey(plan, own)
  // An end over HTTP counts the tenant's own rows alone.
  const shared = own.source.sql ? surveyed.shared : []
  const needed = shared.map(({ source, sourcePath }) => ({ table: source, path: sourcePath }))
  const counted = tenant === null ? [] : [...surveyed.sources, ...needed]
  const owned = counted.map((at) => ({ scope: plan.scope, tenant: tenant ?? '', ...at }))
  const counts = await own.source.rows.counts(owned)
  const rows = new Map(counted.map(({ table }, i) => [table.name, counts[i] ?? 0]))
  const tables = explainTables(plan, surveyed.source, surveyed)
  return { tenant, tables: tables.map((one) => ({ ...one, rows: rows.get(one.table) ?? null })) }
}

export function printExplanation({ tenant, tables }: Explanation): void {
  const count = (fate: string) => tables.filter((one) => one.fate === fate).length
  const [moving, shared, staying] = [count('moves'), count('shared'), count('stays')]
  const parts = [
    moving === 1 ? '1 table moves' : `${moving} tables move`,
    shared === 1 ? '1 is shared' : `${shared} are shared`,
    staying === 1 ? '1 stays' : `${staying} stay`,
  ]
  print(parts.join(', '))
  const head = ['table', '', tenant === null ? 'rows' : `rows of "${safe(tenant, 40)}"`, 'why']
  const lines = tables.map(({ table, fate, why, rows }) => {
    return [safe(table, 63), fate, rows === null ? '' : number(rows), safe(why, 200)]
  })
  print(tableText([head, ...lines]))
}

/** Rows at the ends of a plan, and of its tenants: figures for `byLeast`. Reads only. */
import { sourcesAlone } from '../../checks/survey.ts'
import { type PlanEnd, type PlanEnds, placeOfTenant } from '../../ends/end.ts'
import { inParallel } from '../../parallel.ts'
import type { Loads } from '../../plan/homes/placement.ts'
import type { Plan } from '../../plan/plan.ts'
import { qualified } from '../../quote.ts'
import { openNamedEnds } from '../installation.ts'
import { rowCounter } from '../tenant-facts.ts'
import { listedByPlace } from '../tenants.ts'

/** Tenants that are counted at once. */
const atOnce = 4
const { signal } = new AbortController()

/**
 * Rows of each tenant that the plan lists, at its source, and of each of the plan's `ends` those
 * rows of its planned tables that are none of theirs. All are counted, so it takes a while.
 */
export async function loadsOf(
  { plan, ends }: { readonly plan: Plan; readonly ends: PlanEnds },
  environment: NodeJS.ProcessEnv,
): Promise<Loads> {
  const listed = await listedByPlace(plan, ends)
  const sources = await sourcesAlone(plan, ends)
  const rowsOf = await rowCounter(listed, { plan, ends, sources })
  const tenants = new Map<string, number>()
  await inParallel(listed, { limit: atOnce, signal }, async (tenant) => {
    tenants.set(tenant, await rowsOf(tenant))
  })
  const named = openNamedEnds(plan, environment)
  try {
    const loads: Record<string, number> = {}
    for (const [name, end] of named) {
      const own = listed.filter((tenant) => placeOfTenant(ends.source, tenant) === end.place)
      const rows = own.reduce((sum, tenant) => sum + (tenants.get(tenant) ?? 0), 0)
      loads[name] = Math.max(0, (await rowsAt(plan, end)) - rows)
    }
    return { ends: loads, tenants: Object.fromEntries(tenants) }
  } finally {
    await Promise.all([...named.values()].map((end) => end.close()))
  }
}

/** Rows of the planned tables that tenants share there. */
async function rowsAt(plan: Plan, end: PlanEnd): Promise<number> {
  const { sql } = end
  const tables = sql ? await sourcesAlone(plan, { source: end }) : []
  if (!sql || tables.length === 0) return 0
  const counts = tables.map(({ table }) => {
    return `(select count(*) from ${qualified(sql.schema, table.name)})`
  })
  const { rows } = await sql.pool.query(`select (${counts.join(' + ')})::float8 as rows`)
  return rows[0].rows
}

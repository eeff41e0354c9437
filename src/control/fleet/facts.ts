/** Named queries on the facts about tenants that moves keep. */
import { sql } from 'kysely'
import type { Condition, Facts } from '../../plan/facts.ts'
import type { Control } from '../database.ts'

const pageSize = 5_000

export interface Matching {
  readonly tenants: ReadonlySet<string>
  /** Names of all facts that any of the run's tenants has. */
  readonly names: ReadonlySet<string>
}

/** Tenants of a run for which a condition holds. Facts are read in pages, and none is kept. */
export async function tenantsWhere(
  control: Control,
  runId: string,
  condition: Condition,
): Promise<Matching> {
  const tenants = new Set<string>()
  const names = new Set<string>(['rows', 'phase'])
  const rows = sql<number | null>`(facts ->> 'rows')::float8`
  let query = control.db
    .selectFrom('moves')
    .select(['tenant_id', 'facts', 'phase'])
    .select(sql<number | null>`coalesce(${rows}, rows_total::float8)`.as('rows'))
    .where('run_id', '=', runId)
    .orderBy('tenant_id')
    .limit(pageSize)
  for (;;) {
    const page = await query.execute()
    for (const { tenant_id: tenant, facts, ...own } of page) {
      const all: Facts = { ...facts, ...own }
      for (const name of Object.keys(facts)) names.add(name)
      if (condition.holds(all)) tenants.add(tenant)
    }
    const last = page.at(-1)
    if (!last || page.length < pageSize) return { tenants, names }
    query = query.where('tenant_id', '>', last.tenant_id)
  }
}

/** Which relations a query of the plan reads, as the planner sees it: views are looked through. */
import type { SqlEnd } from '../../end.ts'
import { queryPlan } from '../search-path.ts'

/** Names; those of other schemas as `schema.name`. Nothing is run. */
export async function readRelations(end: SqlEnd, query: string): Promise<string[]> {
  const { schema } = end
  const text = `explain (verbose, format json) select * from (${query}) q`
  const { rows } = await queryPlan(end.pool, end, text)
  const found = new Set<string>()
  collect(rows[0]?.['QUERY PLAN'], (own, name) =>
    found.add(own === schema ? name : `${own}.${name}`),
  )
  return [...found]
}

function collect(node: unknown, tell: (schema: string, name: string) => void): void {
  if (typeof node !== 'object' || node === null) return
  const { Schema: schema, 'Relation Name': name } = node as Record<string, unknown>
  if (typeof schema === 'string' && typeof name === 'string') tell(schema, name)
  for (const child of Object.values(node)) collect(child, tell)
}

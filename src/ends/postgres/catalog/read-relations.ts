/** Which relations a query of the plan reads, as the planner sees it: views are looked through. */
import type { SqlEnd } from '../../end.ts'
import { queryPlan } from '../search-path.ts'

/** Names; those of other schemas as `schema.name`. Nothing is run. */
export async function readRelations(end: SqlEnd, query: string): Promise<string[]> {
  const { schema } = end
  const text = `explain (verbose, format json) select * from (${query}) q`
  const { rows } = await queryPlan(end.pool, end, text)
  const names = new Set<string>()
  collect(rows[0]?.['QUERY PLAN'], (own, name) =>
    names.add(own === schema ? name : `${own}.${name}`),
  )
  return [...names]
}

function collect(node: unknown, tell: (schema: string, name: string) => void): void {
  if (typeof node !== 'object' || node === null) return
  const { Schema: schema, 'Relation Name': name } = Object(node)
  if (typeof schema === 'string' && typeof name === 'string') tell(schema, name)
  for (const child of Object.values(node)) collect(child, tell)
}

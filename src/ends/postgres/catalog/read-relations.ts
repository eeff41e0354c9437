/** Relations that SQL of the plan reads or changes, in the planner's view: behind views, too. */
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

/** Relations that an explained statement changes, itself or in a `with`. */
export function writtenRelations(rows: readonly { 'QUERY PLAN'?: unknown }[]): Relation[] {
  const written: Relation[] = []
  const look = (node: unknown) => {
    if (typeof node !== 'object' || node === null) return
    const { 'Node Type': type, 'Target Tables': targets, Plans: _, ...own } = Object(node)
    // Partitions are among the targets.
    if (type === 'ModifyTable')
      collect([own, targets], (schema, name) => void written.push({ schema, name }))
    for (const child of Object.values(node)) look(child)
  }
  look(rows[0]?.['QUERY PLAN'])
  return written
}

interface Relation {
  readonly schema: string
  readonly name: string
}

function collect(node: unknown, tell: (schema: string, name: string) => void): void {
  if (typeof node !== 'object' || node === null) return
  const { Schema: schema, 'Relation Name': name } = Object(node)
  if (typeof schema === 'string' && typeof name === 'string') tell(schema, name)
  for (const child of Object.values(node)) collect(child, tell)
}

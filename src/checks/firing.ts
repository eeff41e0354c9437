/** Effects at each end beside a copy or a removal, from the catalogues. Pure. */
import type { Finding } from '../plan/catalogs/catalog.ts'
import { type DependentsOf, dependentFindings } from '../plan/catalogs/dependents.ts'
import { tablesLeft } from '../plan/routing/tables.ts'
import type { Checked } from './check.ts'

/** An end over HTTP finds these by itself. */
export function firingAtEnds(checked: Checked): Finding[] {
  return endsOf(checked).flatMap(dependentFindings)
}

function endsOf({ plan, routing, ...catalogs }: Checked): DependentsOf[] {
  const comesBack = plan.rollback.windowMs > 0
  const updates = plan.strategy === 'online' && !catalogs.target.mayReplicate
  const events = {
    source: comesBack ? all : (['DELETE'] as const),
    target: updates ? all : (['INSERT', 'DELETE'] as const),
  }
  return (['source', 'target'] as const)
    .filter((end) => plan[end].kind === 'sql')
    .map((where) => ({
      where,
      schema: catalogs[where].schema,
      mode: {
        replicate: catalogs[where].mayReplicate,
        inserts: where === 'source' ? comesBack : updates,
      },
      tables: where === 'source' ? routing.sources : routing.targets,
      events: events[where],
      left: tablesLeft(plan),
      shared: routing.shared.map((route) => route[where].name),
    }))
}

const all = ['INSERT', 'UPDATE', 'DELETE'] as const

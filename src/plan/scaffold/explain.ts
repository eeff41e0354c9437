/** Which tables of the source move with a plan, which are shared, which stay, and why. Pure. */
import type { Catalog } from '../catalogs/catalog.ts'
import type { Plan } from '../plan.ts'
import { above, type Step, stepsOf, type TenantPath } from '../routing/path.ts'
import type { EndTable } from '../routing/route.ts'
import type { Routing } from '../routing/routes.ts'
import type { ClassifiedTable } from './belonging.ts'
import { classify } from './classify.ts'
import { candidateOf, clearCandidate, tenantCandidates } from './tenant-candidates.ts'

export interface ExplainedTable {
  readonly table: string
  readonly fate: 'moves' | 'shared' | 'stays'
  readonly why: string
}

/** Every table of the source, those that move first. `sources`: those whose path is known. */
export function explainTables(
  plan: Plan,
  source: Catalog,
  { sources, shared }: Pick<Routing, 'sources' | 'shared'>,
): ExplainedTable[] {
  const everybodys = new Map(shared.map((route) => [route.source.name, route]))
  const paths = new Map(sources.map(({ table, path }) => [table.name, path]))
  const excluded = new Map(plan.exclude.map((entry) => [entry.table, entry]))
  const others = new Map(classified(source, sources).map((one) => [one.table, one]))
  const all = [...source.tables.keys()].map((table): ExplainedTable => {
    const path = paths.get(table)
    if (path) return { table, fate: 'moves', why: pathText(path) }
    const route = everybodys.get(table)
    if (route) return { table, fate: 'shared', why: pathText(route.sourcePath) }
    const one = others.get(table)
    const left = excluded.get(table)?.leaveReferences ? ', and its references are left' : ''
    const reason = excluded.has(table) ? `excluded${left}` : 'not in the plan'
    const fate = one?.belonging.kind === 'shared' ? 'shared' : 'stays'
    return { table, fate, why: one ? `${reason}: ${one.why}` : reason }
  })
  const order = ['moves', 'shared', 'stays']
  return all.toSorted((a, b) => order.indexOf(a.fate) - order.indexOf(b.fate))
}

/** The tenants' table is the planned one whose own key is its tenant's column. */
function classified(source: Catalog, sources: readonly EndTable[]): ClassifiedTable[] {
  const own = sources.find(({ table, path }) => {
    const primary = table.uniques.find((unique) => unique.primary)?.columns
    return path.kind === 'column' && primary?.join('\0') === path.column
  })
  const tenant = (own && candidateOf(source, own.table)) ?? clearCandidate(tenantCandidates(source))
  return tenant ? classify(source, tenant) : []
}

function pathText(path: TenantPath): string {
  if (path.kind === 'column') return `by column "${path.column}"`
  if (path.kind === 'whole') return 'by its schema'
  if (path.kind === 'any') return `by any of: ${stepsOf(path).map(stepText).join('; ')}`
  const more = above(path).filter(({ kind }) => kind !== 'column')
  return [stepText(path), ...more.map(pathText)].join(', ')
}

function stepText(path: Step): string {
  if (path.inverse) return `referred to by "${path.parent}.${path.parentColumns.join(', ')}"`
  const columns = path.columns.map((name) => `"${name}"`).join(', ')
  const undeclared = path.undeclared ? ', without a foreign key' : ''
  return `through ${columns} to "${path.parent}"${undeclared}`
}

// What is said of a plan and the two ends that it is for, without a server: catalogues are written
// down, and changed in what a test is about.

import { serverFindings } from '../../../src/checks/findings.ts'
import type { Catalog, CatalogTable } from '../../../src/plan/catalogs/catalog.ts'
import { checkPlan } from '../../../src/plan/check-plan.ts'
import { postgres } from '../../../src/plan/endpoint.ts'
import { type PlanInput, table } from '../../../src/plan/plan.ts'
import { routeTables } from '../../../src/plan/routing/routes.ts'
import { catalogOf, type Tables } from '../catalog.ts'

export const noteTables: Tables = {
  notes: { id: 'int8 key', tenant_id: 'text not-null', body: 'text' },
  lines: { note_id: 'int8 key -> notes.id', line: 'int4 key', text: 'text' },
}

export interface Ends {
  readonly plan?: Partial<PlanInput>
  readonly source?: Partial<Catalog>
  readonly target?: Partial<Catalog>
  readonly sourceTables?: Tables
  readonly targetTables?: Tables
  /** Changes of the table `notes`. */
  readonly sourceNotes?: Partial<CatalogTable>
  readonly targetNotes?: Partial<CatalogTable>
}

/** `where: message`, a line each. */
export function findingsAt(ends: Ends): string[] {
  const { sourceTables = noteTables, targetTables = sourceTables } = ends
  const plan = checkPlan({
    name: 'notes',
    source: postgres({ urlFrom: 'SOURCE_URL' }),
    target: postgres({ urlFrom: 'TARGET_URL' }),
    tenants: ['acme'],
    tables: [table('notes'), table('lines', { through: 'note_id' })],
    ...ends.plan,
  })
  const source = changed(
    catalogOf(sourceTables, { database: 'one', ...ends.source }),
    ends.sourceNotes,
  )
  const target = changed(
    catalogOf(targetTables, { database: 'two', ...ends.target }),
    ends.targetNotes,
  )
  const routing = routeTables(plan, source, target)
  const findings = [...routing.findings, ...serverFindings(plan, routing, { source, target })]
  return findings.map(({ where, message }) => `${where}: ${message}`)
}

function changed(catalog: Catalog, notes: Partial<CatalogTable> = {}): Catalog {
  const tables = new Map(catalog.tables)
  const known = tables.get('notes')
  if (known) tables.set('notes', { ...known, ...notes })
  return { ...catalog, tables }
}

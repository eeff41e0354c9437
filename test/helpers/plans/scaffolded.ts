// Schemas whose tables are classified as `rehome scaffold` does it.
import type { Sample } from '../../../src/plan/scaffold/belonging.ts'
import { classify } from '../../../src/plan/scaffold/classify.ts'
import { candidateOf } from '../../../src/plan/scaffold/tenant-candidates.ts'
import { catalogOf, type Tables } from '../catalog.ts'

export const organizations = { id: 'int8 key' }
export const projects = { id: 'int8 key', organization_id: 'int8 not-null -> organizations.id' }
const tasks = { id: 'int8 key', project_id: 'int8 not-null -> projects.id' }
export const small = { organizations, projects, tasks }

export function tenantIn(tables: Tables, name = 'organizations') {
  const catalog = catalogOf(tables)
  const table = catalog.tables.get(name)
  const tenant = table && candidateOf(catalog, table)
  if (!tenant) throw new Error(`"${name}" holds no tenants`)
  return { catalog, tenant }
}

/** The kind of one table among others, as the plan would have it. */
export function belongingOf(tables: Tables, table: string, sample?: Sample) {
  const { catalog, tenant } = tenantIn(tables)
  return classify(catalog, tenant, sample).find((one) => one.table === table)
}

export const sampled = (nulls: Record<string, number>): Sample =>
  new Map([['notes', { rows: 100, nulls, distinct: {} }]])

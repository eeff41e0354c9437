// Tables whose rows name the table that they belong to, in a scaffolded plan.
import { expect, test } from 'vitest'
import { classify } from '../../src/plan/scaffold/classify.ts'
import { planText } from '../../src/plan/scaffold/plan-text.ts'
import { candidateOf } from '../../src/plan/scaffold/tenant-candidates.ts'
import { catalogOf } from '../helpers/catalog.ts'

test('says ways by the types in the sample, and names those without a table', () => {
  const source = catalogOf({
    organizations: { id: 'int8 key' },
    projects: { id: 'int8 key', organization_id: 'int8 not-null -> organizations.id' },
    tasks: { id: 'int8 key', project_id: 'int8 not-null -> projects.id' },
    notes: { id: 'int8 key', subject_type: 'text', subject_id: 'int8' },
    files: { id: 'int8 key', owner_type: 'text', owner_id: 'int8' },
    likes: { id: 'int8 key', note_id: 'int8 not-null -> notes.id' },
  })
  const tenants = source.tables.get('organizations')
  const tenant = tenants && candidateOf(source, tenants)
  if (!tenant) throw new Error('there are no tenants')
  const sample = (types: Record<string, string[]>) => ({
    rows: 9,
    nulls: {},
    distinct: {},
    types,
  })
  const tables = classify(
    source,
    tenant,
    new Map([
      ['notes', sample({ subject_type: ["It's", 'Note', 'Work::Task'] })],
      ['files', sample({ owner_type: ['Note', 'Project'] })],
    ]),
  )
  const text = planText({ source, tenant, tables, sourceFrom: 'A', targetFrom: 'B' })
  expect(text).toContain(
    "table('notes', { through: [{ subject_id: 'tasks.id', when: sql`r.subject_type = 'Work::Task'` }, { subject_id: 'notes.id', when: sql`r.subject_type = 'Note'` }] }),",
  )
  expect(text).toContain('decide: no table of tenants is named by "It\'s"')
  expect(text).toContain("{ owner_id: 'notes.id', when: sql`r.owner_type = 'Note'` }")
  expect(text).toContain("table('likes', { through: 'note_id' }),")
})

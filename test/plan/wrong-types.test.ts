// Plans that do not fit the types of their databases do not compile, and the compiler says why in
// words that a person understands. Plans of the documentation do compile.
import { readFile } from 'node:fs/promises'
import { beforeAll, describe, expect, test } from 'vitest'
import { compilerErrors } from '../helpers/plans/compiler-errors.ts'

const typed = (body: string) => `
  import { anyOf, definePlan, postgres, shared, sourceTable, sql, table, targetTable } from 'rehome'
  import type { NewDb, OldDb } from '../../test/helpers/schemas/databases-typed.ts'
  export default definePlan<OldDb, NewDb>({
    name: 'typed',
    source: postgres({ urlFrom: 'SOURCE_URL' }),
    target: postgres({ urlFrom: 'TARGET_URL' }),
    tenants: sql\`select id from tenants\`,
    ${body} })`
const tables = (table: string) => `tables: [${table}]`
const projects = (transform: string) => tables(`table('projects', { transform: ${transform} })`)

const wrong: [what: string, body: string, message: RegExp][] = [
  ['a table that the source has not', tables(`table('taskz')`), /'"taskz"' is not .* "tasks"/],
  [
    "a table for the source that is the target's",
    tables(`sourceTable('work_items')`),
    /'"work_items"' is not assignable .* "tasks"/,
  ],
  [
    "a table for the target that is the source's",
    tables(`targetTable('sign_ins')`),
    /'"sign_ins"' is not assignable .* "work_items"/,
  ],
  [
    'a tenant column that the table has not',
    tables(`table('tasks', { tenant: 'tenant' })`),
    /'"tenant"' is not assignable .*"tenant_id"/,
  ],
  [
    'a tenant column that no table has',
    `${tables(`table('tasks')`)}, tenantColumn: 'org_id'`,
    /'"org_id"' is not assignable .*"tenant_id"/,
  ],
  [
    'a path by a column that the table has not',
    tables(`table('tasks', { through: 'projekt_id' })`),
    /Did you mean '"project_id"'/,
  ],
  [
    'a reference by a column that the table has not',
    tables(`table('tasks', { through: { projekt_id: 'projects.id' } })`),
    /projekt_id/,
  ],
  [
    'a reference to a column that no table has',
    tables(`table('tasks', { through: { project_id: 'projects.key' } })`),
    /'"projects.key"' is not assignable .*"projects.id"/,
  ],
  [
    'rows that a column refers to which no table has',
    tables(`table('tasks', { referencedBy: 'projects.task' })`),
    /'"projects.task"' is not assignable .*"projects.id"/,
  ],
  [
    'rows of a target that a column refers to which it has not',
    tables(`targetTable('work_items', { referencedBy: 'tasks.status' })`),
    /'"tasks.status"' is not assignable/,
  ],
  [
    'a shared table that the source has not',
    tables(`shared('work_items', { referencedBy: 'tasks.project_id' })`),
    /'"work_items"' is not assignable .* "tasks"/,
  ],
  [
    'a shared table to which no table refers',
    tables(`shared('projects', {})`),
    /Property 'referencedBy' is missing/,
  ],
  [
    'a shared table that a column refers to which no table has',
    tables(`shared('projects', { referencedBy: ['tasks.project_id', 'tasks.project'] })`),
    /'"tasks.project"' is not assignable/,
  ],
  [
    'a shared column to compare',
    tables(`shared('projects', { referencedBy: 'tasks.project_id', compare: ['nam'] })`),
    /'"nam"' is not assignable|Did you mean '"name"'/,
  ],
  [
    'a shared column that tells rows apart',
    tables(`shared('projects', { referencedBy: 'tasks.project_id', newIds: { by: ['nam'] } })`),
    /'"nam"' is not assignable|Did you mean '"name"'/,
  ],
  [
    'a target of shared rows that is no table',
    tables(`shared('projects', { referencedBy: 'tasks.project_id', to: 'project' })`),
    /'"project"' is not assignable|Did you mean '"projects"'/,
  ],
  [
    'one of several ways by a column that the table has not',
    tables(`table('tasks', { through: anyOf('project_id', 'projekt_id') })`),
    /projekt_id/,
  ],
  [
    'one of several columns of a path',
    tables(`table('tasks', { through: ['project_id', 'x'] })`),
    /'"x"' is not assignable/,
  ],
  ['a key of other columns', tables(`table('tasks', { key: ['ID'] })`), /Did you mean '"id"'/],
  [
    'a target that is no table',
    tables(`table('tasks', { to: 'work_itemz' })`),
    /Did you mean '"work_items"'/,
  ],
  [
    'a tenant column that the target has not',
    tables(`table('tasks', { to: 'work_items', targetTenant: 'tenant_id' })`),
    /'"tenant_id"' is not assignable .*"organization_id"/,
  ],
  [
    'a column to drop',
    tables(`table('tasks', { columns: { drop: ['legacy'] } })`),
    /'"legacy"' is not assignable/,
  ],
  [
    'a column to rename',
    tables(`table('projects', { columns: { rename: { nam: 'title' } } })`),
    /table \\"projects\\" has no column \\"nam\\"/,
  ],
  [
    'what a column is renamed to',
    tables(`table('projects', { columns: { rename: { name: 'titel' } } })`),
    /table \\"projects\\" has no column \\"titel\\"/,
  ],
  [
    'a column to compute',
    tables(`table('projects', { columns: { compute: { titel: sql\`1\` } } })`),
    /'titel' does not exist .* Did you mean to write 'title'/,
  ],
  [
    'a column with new ids',
    tables(`table('projects', { newIds: { idd: 'x' } })`),
    /'idd' does not exist/,
  ],
  [
    'a column that a transform reads',
    projects('({ legacy_color, name, ...row }) => ({ ...row, title: String(row.titel) })'),
    /Property 'titel' does not exist/,
  ],
  [
    'a dropped column that a transform reads',
    tables(`table('projects', {
      columns: { drop: ['legacy_color'], rename: { name: 'title' } },
      transform: (row) => ({ ...row, title: row.legacy_color }) })`),
    /Property 'legacy_color' does not exist/,
  ],
  [
    'a row without a column that the target needs',
    projects('({ legacy_color, name, ...row }) => row'),
    /Property 'title' is missing/,
  ],
  [
    'a row with a value of another type',
    projects('({ legacy_color, name, ...row }) => ({ ...row, title: 1 })'),
    /Types of property 'title' are incompatible.*Type 'number' is not assignable to type 'string'/s,
  ],
  [
    'a row with a column that the target has not',
    projects('({ name, ...row }) => ({ ...row, title: name })'),
    /table \\"projects\\" has no column \\"legacy_color\\"/,
  ],
  [
    'a row of the way back without a column that the source needs',
    tables(`table('projects', { invert: ({ title, ...row }) => ({ ...row, nam: title }) })`),
    /Property 'name' is missing/,
  ],
  [
    'an excluded table that is nowhere',
    `${tables(`table('tasks')`)}, exclude: [{ table: 'sign_inz' }]`,
    /Did you mean '"sign_ins"'/,
  ],
]

const plansIn = async (file: string) => {
  const text = await readFile(file, 'utf8')
  const blocks = [...text.matchAll(/^```ts\n(.*?)^```/gms)].map(([, code]) => code ?? '')
  return blocks.filter((code) => code.includes('export default definePlan'))
}

let errors: string[] = []
let documented: string[] = []

beforeAll(async () => {
  documented = [...(await plansIn('README.md')), ...(await plansIn('docs/plan.md'))]
  const right = typed(tables(`table('tasks', { transform: () => null })`))
  errors = await compilerErrors([...wrong.map(([, body]) => typed(body)), right, ...documented])
})

describe('the compiler refuses', () => {
  test.each(wrong.map(([what, , message], i) => ({ what, message, i })))('$what', (one) => {
    expect(errors[one.i]).toMatch(one.message)
  })
})

test('the compiler accepts the plans of the documentation, and the frame of the wrong ones', () => {
  expect(documented.length).toBeGreaterThan(1)
  expect(errors.slice(wrong.length)).toEqual(errors.slice(wrong.length).map(() => ''))
})

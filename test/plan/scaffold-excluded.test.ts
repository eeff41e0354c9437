// What a scaffolded plan excludes because of a guess or a sample has a decision for a person.
import { expect, test } from 'vitest'
import type { Sample, TableSample } from '../../src/plan/scaffold/belonging.ts'
import { classify } from '../../src/plan/scaffold/classify.ts'
import { planText } from '../../src/plan/scaffold/plan-text.ts'
import type { Tables } from '../helpers/catalog.ts'
import { organizations, small, tenantIn } from '../helpers/plans/scaffolded.ts'

function planOf(tables: Tables, sample: Record<string, Partial<TableSample>> = {}): string {
  const { catalog: source, tenant } = tenantIn(tables)
  const facts = { rows: 100, nulls: {}, distinct: {} }
  const sampled: Sample = new Map(
    Object.entries(sample).map(([name, more]) => [name, { ...facts, ...more }]),
  )
  const found = classify(source, tenant, sampled)
  return planText({ source, tenant, tables: found, sourceFrom: 'A', targetFrom: 'B' })
}

/** Excluded table → whether the comment above it asks for a decision. */
function decisionsOf(text: string): Record<string, boolean> {
  const [, excluded = ''] = text.split('\n  exclude: [\n')
  const entries = [...excluded.matchAll(/^ {4}\/\/ (.*)\n {4}'(\w+)',$/gm)]
  return Object.fromEntries(
    entries.map(([, comment = '', name]) => [name, /decide: /.test(comment)]),
  )
}

const users = { id: 'int8 key' }
const members = {
  organization_id: 'int8 key -> organizations.id',
  user_id: 'int8 key -> users.id',
}
const joined = { ...small, users, members }
const contacts = { id: 'int8 key', organization_id: 'int8 -> organizations.id' }
const favorites = {
  organization_id: 'int8 key -> organizations.id',
  contact_id: 'int8 key -> contacts.id',
}
const contact_notes = { id: 'int8 key', contact_id: 'int8 not-null -> contacts.id' }
const book = { organizations, contacts, favorites, contact_notes }

test('a joined table moves by its column for the tenant that the sample has filled', () => {
  const text = planOf(book, { contacts: { nulls: { organization_id: 0 } } })
  expect(text).toMatch(/guessed: [^\n]*may be null[^\n]*\n {4}table\('contacts'\),/)
  expect(text).toContain("table('contact_notes', { through: 'contact_id' }),")
  expect(decisionsOf(text)).toEqual({})
})

test('a joined table is shared, whatever the sample has of its other keys to tenants', () => {
  const last = { ...users, current_organization_id: 'int8 -> organizations.id' }
  const nulls = { current_organization_id: 0 }
  const text = planOf({ ...joined, users: last }, { users: { nulls } })
  expect(text).toMatch(/ {4}shared\('users', /)
})

test.each<[string, Tables, Record<string, Partial<TableSample>>, Record<string, boolean>]>([
  [
    'below a joined table whose column for the tenant is null in some rows',
    book,
    { contacts: { nulls: { organization_id: 1 } } },
    { contact_notes: true },
  ],
  ['below a joined table of which there is no sample', book, {}, { contact_notes: true }],
  [
    'below a shared table that rows of tenants refer to',
    {
      ...small,
      ...{ places: users, place_photos: { id: 'int8 key', place_id: 'int8 -> places.id' } },
      visits: { ...small.projects, place_id: 'int8 -> places.id' },
    },
    {},
    { place_photos: true },
  ],
  [
    'below a table that is excluded so',
    {
      ...joined,
      logins: { id: 'int8 key', user_id: 'int8 -> users.id' },
      login_facts: { id: 'int8 key', login_id: 'int8 -> logins.id' },
    },
    {},
    { logins: true, login_facts: true },
  ],
  [
    'named after a shared table',
    { ...joined, logins: { id: 'int8 key', user_id: 'int8' } },
    {},
    { logins: true },
  ],
  [
    'whose sampled types name shared tables alone',
    { ...joined, comments: { id: 'int8 key', commentable_type: 'text', commentable_id: 'int8' } },
    { comments: { types: { commentable_type: ['User'] } } },
    { comments: true },
  ],
  [
    'whose sampled types name no table',
    { ...joined, comments: { id: 'int8 key', commentable_type: 'text', commentable_id: 'int8' } },
    { comments: { types: { commentable_type: ['Cloud'] } } },
    { comments: true },
  ],
  [
    'that only excluded rows lead to, and what is around it',
    {
      ...joined,
      logins: { id: 'int8 key', user_id: 'int8 -> users.id', device_id: 'int8 -> devices.id' },
      devices: { id: 'int8 key', model_id: 'int8' },
      models: { id: 'int8 key' },
      repairs: { id: 'int8 key', device_id: 'int8 -> devices.id' },
      settings: { id: 'int8 key', version_id: 'int8 -> versions.id' },
      versions: { id: 'int8 key' },
    },
    {},
    { logins: true, devices: true, models: true, repairs: true, settings: false, versions: false },
  ],
])('asks for a decision about a table %s', (_, tables, sample, decisions) => {
  expect(decisionsOf(planOf(tables, sample))).toEqual(decisions)
})

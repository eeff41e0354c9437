// How the tables of a schema belong to tenants is found in its columns, keys and sampled rows.
import { describe, expect, test } from 'vitest'
import type { Sample } from '../../src/plan/scaffold/belonging.ts'
import {
  candidateOf,
  clearCandidate,
  tenantCandidates,
} from '../../src/plan/scaffold/tenant-candidates.ts'
import { catalogOf, type Tables } from '../helpers/catalog.ts'
import {
  belongingOf,
  organizations,
  projects,
  sampled,
  small,
} from '../helpers/plans/scaffolded.ts'

describe('the table of the tenants is', () => {
  test.each<[string, Tables, string | null]>([
    ['the one that others refer to', small, 'organizations'],
    [
      'one with columns that no key declares',
      { shops: { id: 'uuid key' }, a: { shop_id: 'uuid' } },
      'shops',
    ],
    [
      'a column alone, where no table has its ids',
      { a: { tenant_id: 'text' }, b: { tenant_id: 'text' } },
      null,
    ],
  ])('%s', (_, tables, expected) => {
    expect(clearCandidate(tenantCandidates(catalogOf(tables)))).toMatchObject({ table: expected })
  })

  test('left to a person where two tables may be it', () => {
    const tables = {
      ...{ accounts: { id: 'int8 key' }, teams: { id: 'int8 key' } },
      a: { account_id: 'int8 -> accounts.id', team_id: 'int8 -> teams.id' },
    }
    const candidates = tenantCandidates(catalogOf(tables))
    expect(candidates.map(({ table }) => table).sort()).toEqual(['accounts', 'teams'])
    expect(clearCandidate(candidates)).toBeNull()
  })

  test('none whose key cannot tell tenants apart', () => {
    const table = catalogOf({ tenants: { id: 'numeric key' } }).tables.get('tenants')
    expect(table && candidateOf(catalogOf({}), table)).toBeNull()
  })
})

describe('a table', () => {
  test.each<[string, Record<string, string>, object, Sample?]>([
    [
      'with a key to the tenants belongs by its column',
      { id: 'int8 key', owner_id: 'int8 not-null -> organizations.id' },
      { belonging: { kind: 'column', column: 'owner_id' }, doubt: undefined },
    ],
    [
      'with the usual column and no key belongs by it',
      { id: 'int8 key', organization_id: 'int8 not-null' },
      { belonging: { kind: 'column', column: 'organization_id' }, doubt: undefined },
    ],
    [
      'with rows of no tenant says how many there are in the sample',
      { id: 'int8 key', organization_id: 'int8 -> organizations.id' },
      { belonging: { kind: 'column' }, doubt: 'it is null in 7 of 100 sampled rows' },
      sampled({ organization_id: 7 }),
    ],
    [
      'with a key to a row of a tenant belongs through it',
      { id: 'int8 key', task_id: 'int8 not-null -> tasks.id' },
      { belonging: { kind: 'through', columns: ['task_id'], parent: 'tasks' }, doubt: undefined },
    ],
    [
      'with a nullable key that is filled in the sample belongs through it, with a doubt',
      { id: 'int8 key', task_id: 'int8 -> tasks.id' },
      { belonging: { kind: 'through' }, doubt: expect.stringContaining('null') },
      sampled({ task_id: 0 }),
    ],
    [
      'with two nullable keys belongs by any of them',
      { id: 'int8 key', task_id: 'int8 -> tasks.id', project_id: 'int8 -> projects.id' },
      {
        belonging: {
          kind: 'any of',
          keys: [
            { columns: ['task_id'], parent: 'tasks' },
            { columns: ['project_id'], parent: 'projects' },
          ],
        },
      },
    ],
    [
      'with a nullable key and one to itself belongs by any of them',
      { id: 'int8 key', task_id: 'int8 -> tasks.id', parent_id: 'int8 -> notes.id' },
      { belonging: { kind: 'any of', keys: [{ parent: 'tasks' }, { parent: 'notes' }] } },
    ],
    [
      'with a column that is named as a reference belongs by an undeclared key',
      { id: 'int8 key', task_id: 'int8' },
      { belonging: { kind: 'undeclared', columns: ['task_id'], parent: 'tasks' } },
    ],
    [
      'with the name of a table in a column belongs by type',
      { id: 'int8 key', subject_type: 'text', subject_id: 'int8' },
      { belonging: { kind: 'polymorphic', type: 'subject_type', id: 'subject_id' } },
    ],
    ['without any of these touches no tenant', { id: 'int8 key' }, { belonging: { kind: 'none' } }],
  ])('%s', (_, notes, expected, sample) => {
    expect(belongingOf({ ...small, notes }, 'notes', sample)).toMatchObject(expected)
  })

  test('with a column for the tenant that is null in some rows belongs by it or another key', () => {
    const notes = {
      ...{ id: 'int8 key', organization_id: 'int8 -> organizations.id' },
      ...{ task_id: 'int8 -> tasks.id', above_id: 'int8 -> notes.id' },
    }
    const found = (sample: Sample) => belongingOf({ ...small, notes }, 'notes', sample)?.belonging
    expect(found(sampled({ organization_id: 7, task_id: 5 }))).toMatchObject({
      kind: 'any of',
      keys: [{ columns: ['organization_id'] }, { columns: ['task_id'] }, { columns: ['above_id'] }],
    })
    expect(found(sampled({ organization_id: 0, task_id: 5 }))).toMatchObject({ kind: 'column' })
  })

  test('with a key to one that belongs by any key waits for it', () => {
    const notes = {
      ...{ id: 'int8 key', task_id: 'int8 -> tasks.id', project_id: 'int8 -> projects.id' },
    }
    const hooks = {
      ...{ id: 'int8 key', task_id: 'int8 -> tasks.id', note_id: 'int8 -> notes.id' },
    }
    expect(belongingOf({ ...small, hooks, notes }, 'hooks')?.belonging).toMatchObject({
      kind: 'any of',
      keys: [{ parent: 'tasks' }, { parent: 'notes' }],
    })
  })

  test('below one that belongs by any key belongs through it', () => {
    const notes = { id: 'int8 key', task_id: 'int8 -> tasks.id' }
    const likes = { id: 'int8 key', note_id: 'int8 not-null -> notes.id' }
    const found = belongingOf({ ...small, notes, likes }, 'likes')
    expect(found).toMatchObject({ belonging: { kind: 'through', parent: 'notes' } })
  })

  const users = { id: 'int8 key' }
  const memberships = { ...projects, user_id: 'int8 not-null -> users.id' }

  test('that rows of tenants refer to is shared, and what refers to it alone says more of it', () => {
    const sessions = { id: 'int8 key', user_id: 'int8 not-null -> users.id' }
    const tables = { organizations, memberships, users, sessions }
    expect(belongingOf(tables, 'users')).toMatchObject({
      belonging: { kind: 'shared', by: [{ table: 'memberships', columns: ['user_id'] }] },
    })
    expect(belongingOf(tables, 'sessions')?.belonging.kind).toBe('of shared')
  })

  test('that shared rows refer to is shared, too', () => {
    const tables = {
      ...{ organizations, memberships, plans: { id: 'int8 key' } },
      users: { id: 'int8 key', plan_id: 'int8 -> plans.id' },
    }
    expect(belongingOf(tables, 'plans')?.belonging.kind).toBe('shared')
  })

  test('that each tenant refers to by a unique key has rows of its own', () => {
    const tables = { organizations: { id: 'int8 key' }, settings: { id: 'int8 key' }, projects }
    const owner = { id: 'int8', settings_id: 'int8 key -> settings.id' }
    const found = belongingOf({ ...tables, owner: { ...owner, ...projects } }, 'settings')
    expect(found?.belonging.kind).toBe('shared')
    const alone = {
      settings_id: 'int8 key -> settings.id',
      organization_id: projects.organization_id,
    }
    expect(belongingOf({ ...tables, alone }, 'settings')?.belonging.kind).toBe('referred to')
  })

  test.each<[string, number, number, string]>([
    ['different in many rows belongs to these', 30, 30, 'referred to'],
    ['different in a few rows is shared', 5, 5, 'shared'],
    ['repeated is shared', 30, 29, 'shared'],
  ])('that rows of tenants refer to by a column which is %s', (_, rows, distinct, kind) => {
    const files = { ...projects, blob_id: 'int8 not-null -> blobs.id' }
    const sample: Sample = new Map([
      ['files', { rows, nulls: {}, distinct: { blob_id: distinct } }],
    ])
    const found = belongingOf({ organizations, files, blobs: { id: 'int8 key' } }, 'blobs', sample)
    expect(found?.belonging.kind).toBe(kind)
  })
})

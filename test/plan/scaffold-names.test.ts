// How tables belong to tenants where only types, nulls and the names of columns say so.
import { describe, expect, test } from 'vitest'
import type { Sample } from '../../src/plan/scaffold/belonging.ts'
import { classify } from '../../src/plan/scaffold/classify.ts'
import { belongingOf, sampled, small, tenantIn } from '../helpers/plans/scaffolded.ts'

describe('a table', () => {
  test.each<[string, Record<string, string>, object, Sample?]>([
    [
      'with that column of a shorter integer belongs by it',
      { id: 'int8 key', organization_id: 'int4 not-null' },
      { belonging: { kind: 'column', column: 'organization_id' }, doubt: undefined },
    ],
    [
      'with that column of another type belongs by it, with a doubt',
      { id: 'int8 key', organization_id: 'text not-null' },
      {
        belonging: { kind: 'column', column: 'organization_id' },
        doubt: 'it is of type text, and "organizations.id" of type int8',
      },
    ],
    [
      'with a key that each row has belongs through it, whatever the sample says of others',
      { id: 'int8 key', project_id: 'int8 -> projects.id', task_id: 'int8 not-null -> tasks.id' },
      { belonging: { kind: 'through', columns: ['task_id'] }, doubt: undefined },
      sampled({ project_id: 0 }),
    ],
    [
      'with a column named after a key that is no id belongs by an undeclared key',
      { id: 'int8 key', vehicle_vin: 'text not-null' },
      { belonging: { kind: 'undeclared', columns: ['vehicle_vin'], parent: 'vehicles' } },
    ],
    [
      'with columns named as references that may be null belongs by any of them',
      { id: 'int8 key', task_id: 'int4', project_id: 'int8', parent_id: 'int8' },
      {
        belonging: {
          kind: 'any of',
          keys: [
            { columns: ['task_id'], parent: 'tasks' },
            { columns: ['project_id'], parent: 'projects' },
            { columns: ['parent_id'], parent: 'notes' },
          ],
        },
      },
      sampled({ task_id: 5, project_id: 5, parent_id: 5 }),
    ],
    [
      'with columns in camel case that may be null belongs by any of them',
      { id: 'int8 key', taskId: 'int8', parentId: 'int8' },
      {
        belonging: {
          kind: 'any of',
          keys: [
            { columns: ['taskId'], parent: 'tasks' },
            { columns: ['parentId'], parent: 'notes' },
          ],
        },
      },
    ],
    [
      'with several such columns belongs by the one that is filled',
      { id: 'int8 key', task_id: 'int8', project_id: 'int8 not-null' },
      { belonging: { kind: 'undeclared', columns: ['project_id'], parent: 'projects' } },
    ],
  ])('%s', (_, notes, expected, sample) => {
    const vehicles = { vin: 'text key', organization_id: 'int8 not-null' }
    expect(belongingOf({ ...small, vehicles, notes }, 'notes', sample)).toMatchObject(expected)
  })

  test('is known without the prefix that most tables have', () => {
    const tables = {
      spree_stores: { id: 'int8 key' },
      spree_orders: { id: 'int8 key', store_id: 'int8 not-null' },
      spree_line_items: { id: 'int8 key', order_id: 'int8 not-null' },
      spree_images: { id: 'int8 key', viewable_type: 'text', viewable_id: 'int8' },
      versions: { id: 'int8 key' },
    }
    const { catalog, tenant } = tenantIn(tables, 'spree_stores')
    const types = { viewable_type: ['Spree::LineItem'] }
    const sample = new Map([['spree_images', { rows: 9, nulls: {}, distinct: {}, types }]])
    const kinds = classify(catalog, tenant, sample).map((one) => [one.table, one.belonging.kind])
    expect(Object.fromEntries(kinds)).toEqual({
      spree_stores: 'column',
      spree_orders: 'column',
      spree_line_items: 'undeclared',
      spree_images: 'polymorphic',
      versions: 'none',
    })
  })

  test('that columns of tenants are named after, without a foreign key, is shared', () => {
    const members = { id: 'int8 key', organization_id: 'int8 not-null', user_id: 'int4' }
    const rules = { id: 'int8 key', organization_id: 'int8', owner_user_id: 'int8', user: 'int8' }
    const logins = { id: 'int8 key', user_id: 'int8' }
    const roles = { id: 'int8 key', organization_id: 'int8 not-null', assignedUserId: 'int8' }
    const all = { ...small, members, rules, roles, logins, users: { id: 'int8 key' } }
    expect(belongingOf(all, 'users')).toMatchObject({
      belonging: {
        kind: 'shared',
        by: [
          { table: 'members', columns: ['user_id'] },
          { table: 'rules', columns: ['owner_user_id'] },
          { table: 'roles', columns: ['assignedUserId'] },
        ],
      },
      doubt: 'only names suggest it',
    })
    expect(belongingOf(all, 'logins')).toMatchObject({
      belonging: { kind: 'of shared', columns: ['user_id'], parent: 'users' },
    })
  })

  test('whose key is that of the one row it refers to belongs through it', () => {
    const tables = { ...small, task_texts: { task_id: 'int8 key' } }
    expect(belongingOf(tables, 'task_texts')).toMatchObject({
      belonging: { kind: 'undeclared', columns: ['task_id'], parent: 'tasks' },
    })
    const numbered = { ...small, tasks_done: { task_id: 'int8 key identity' } }
    expect(belongingOf(numbered, 'tasks_done')).toMatchObject({ belonging: { kind: 'none' } })
  })

  test('with two columns that are named as references belongs by the one with an index', () => {
    const notes = { id: 'int8 key', project_id: 'int8 not-null', task_id: 'int8 not-null' }
    const facts = { rows: 9, nulls: {}, distinct: {} }
    const sample: Sample = new Map([['notes', { ...facts, indexed: ['task_id'] }]])
    expect(belongingOf({ ...small, notes }, 'notes', sample)).toMatchObject({
      belonging: { kind: 'undeclared', columns: ['task_id'], parent: 'tasks' },
      doubt: 'only names suggest it; "project_id" leads to a tenant, too',
    })
  })

  test('has the tenant in a column of another spelling', () => {
    const tables = { teams: { id: 'text key' }, posts: { id: 'text key', teamid: 'text' } }
    const { tenant } = tenantIn(tables, 'teams')
    expect(tenant).toMatchObject({ table: 'teams', column: 'teamid', direct: 1 })
  })

  test('whose types name rows of everybody tells more about these', () => {
    const members = { id: 'int8 key', organization_id: 'int8 not-null', user_id: 'int8' }
    const tables = {
      ...{ ...small, members, users: { id: 'int8 key' } },
      notices: { id: 'int8 key', about_type: 'text', about_id: 'int8' },
    }
    const facts = { rows: 9, nulls: {}, distinct: {} }
    const of = (types: string[]) =>
      belongingOf(
        tables,
        'notices',
        new Map([['notices', { ...facts, types: { about_type: types } }]]),
      )
    expect(of(['User'])).toMatchObject({ belonging: { kind: 'of shared', parent: 'users' } })
    expect(of(['User', 'Task'])).toMatchObject({
      belonging: { kind: 'polymorphic', targets: [{ parent: 'tasks' }], unknown: ['User'] },
    })
    expect(of(['User', 'Cloud'])).toMatchObject({ belonging: { kind: 'polymorphic' } })
  })
})

// How the tables of a schema belong to tenants is found in its columns, keys and sampled rows.
import { describe, expect, test } from 'vitest'
import type { Sample } from '../../src/plan/scaffold/belonging.ts'
import { classify } from '../../src/plan/scaffold/classify.ts'
import { planText } from '../../src/plan/scaffold/plan-text.ts'
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
  tenantIn,
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

describe('the plan', () => {
  const textOf = (tables: Tables, target?: Tables) => {
    const { catalog: source, tenant } = tenantIn(tables)
    const found = classify(source, tenant)
    const ends = { sourceFrom: 'SOURCE_URL', targetFrom: 'TARGET_URL' }
    const there = target && catalogOf(target)
    return planText({ source, target: there, tenant, tables: found, ...ends })
  }

  test('names each table once', () => {
    const tables = {
      ...{ ...small, users: { id: 'int8 key' }, versions: { id: 'int8 key' } },
      notes: { id: 'int8 key', task_id: 'int8 -> tasks.id', user_id: 'int8 -> users.id' },
    }
    const lines = textOf(tables).split('\n')
    for (const name of Object.keys(tables)) {
      const own = lines.filter((line) => line.trim().match(`^((table|shared)\\()?'${name}'`))
      expect(own, name).toHaveLength(1)
    }
    expect(lines).toContain("    table('tasks', { through: 'project_id' }),")
  })

  test('says a reference without a foreign key, and what lies below it', () => {
    const notes = { id: 'int8 key', task_id: 'int8' }
    const likes = { id: 'int8 key', note_id: 'int8 not-null -> notes.id' }
    const text = textOf({ ...small, notes, likes })
    expect(text).toMatch(
      /guessed: [^\n]*only names suggest it\n {4}table\('notes', \{ through: \{ task_id: 'tasks.id' \} \}\),/,
    )
    expect(text).toContain("table('likes', { through: 'note_id' }),")
  })

  test('says by which rows others are referred to, and what lies below these', () => {
    const tables = {
      ...{ organizations: { ...organizations, settings_id: 'int8 unique -> settings.id' } },
      ...{ settings: { id: 'int8 key' }, projects },
      themes: { id: 'int8 key', settings_id: 'int8 not-null -> settings.id' },
    }
    const lines = textOf(tables).split('\n')
    expect(lines).toContain("    table('settings', { referencedBy: 'organizations.settings_id' }),")
    expect(lines).toContain("    table('themes', { through: 'settings_id' }),")
  })

  test('leaves rows of no tenant where the sample has some', () => {
    const { catalog: source, tenant } = tenantIn({
      ...small,
      notes: { id: 'int8 key', organization_id: 'int8 -> organizations.id' },
    })
    const tables = classify(source, tenant, sampled({ organization_id: 7 }))
    const text = planText({ source, tenant, tables, sourceFrom: 'A', targetFrom: 'B' })
    expect(text).toMatch(/null in 7 of 100[^\n]*\n {4}table\('notes', \{ nobody: 'stay' \}\)/)
  })

  test('says several keys, and what lies below them', () => {
    const notes = {
      ...{ id: 'int8 key', task_id: 'int8 -> tasks.id', parent_id: 'int8 -> notes.id' },
    }
    const likes = { id: 'int8 key', note_id: 'int8 not-null -> notes.id' }
    const text = textOf({ ...small, notes, likes })
    expect(text).toMatch(
      /guessed: [^\n]*\n {4}table\('notes', \{ through: anyOf\('task_id', 'parent_id'\) \}\),/,
    )
    expect(text).toContain("table('likes', { through: 'note_id' }),")
    expect(text).toContain('import { anyOf, definePlan')
  })

  test('excludes what it cannot say and what lies below it, with a decision', () => {
    const notes = { id: 'int8 key', subject_type: 'text', subject_id: 'int8' }
    const likes = { id: 'int8 key', note_id: 'int8 not-null -> notes.id' }
    const text = textOf({ ...small, notes, likes })
    expect(text).toMatch(/\/\/ decide: [^\n]*"subject_id"[^\n]*\n {4}'notes',/)
    expect(text).toMatch(/\/\/ decide: [^\n]*"notes", which is excluded\n {4}'likes',/)
  })

  test('names a unique index where there is no primary key, or leaves the key to a person', () => {
    const loose = { organization_id: 'int8 not-null -> organizations.id' }
    const text = textOf({ ...small, loose })
    expect(text).toMatch(/\/\/ decide: [^\n]*no primary key[^\n]*\n {4}table\('loose'\),/)
  })

  test('drops columns that the target lacks, and excludes tables that it lacks', () => {
    const old = { ...projects, color: 'text' }
    const text = textOf({ ...small, projects: old }, { organizations, projects })
    expect(text).toMatch(
      /decide: [^\n]*no such columns[^\n]*\n.*'projects', \{ columns: \{ drop: \['color'\]/,
    )
    expect(text).toMatch(/decide: the target has no such table[^\n]*\n {4}'tasks',/)
  })

  test('quotes names that would end a text, a comment or a query', () => {
    const hostile = ["it's", '\\ `$', '{x}` \u202e'].join('\n')
    const tables = { [hostile]: { id: 'int8 key' }, a: { id: `int8 key` } }
    const catalog = catalogOf(tables)
    const tenant = { table: hostile, id: 'id', column: 'id', direct: 1, reached: 1 }
    const found = classify(catalog, tenant)
    const ends = { sourceFrom: 'A', targetFrom: 'B' }
    const text = planText({ source: catalog, tenant, tables: found, ...ends })
    const body = text.replace(/^import.*$/m, '').replace('export default', 'return')
    const sql = (parts: TemplateStringsArray) => parts[0]
    const run = new Function('definePlan', 'postgres', 'sql', 'table', body)
    const plan = run(
      (input: object) => input,
      () => ({}),
      sql,
      (name: string) => name,
    )
    expect(plan).toMatchObject({ tables: expect.arrayContaining([hostile]) })
    expect(text.replace(/^ {2}tenants.*?`,$/ms, '')).not.toContain('\u202e')
    expect(plan.tenants).toBe(`select "id" from "${hostile}"`)
  })
})

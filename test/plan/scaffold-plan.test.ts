// The plan that is written for a schema: a line for each table, with the decisions of a person.
import { describe, expect, test } from 'vitest'
import { classify } from '../../src/plan/scaffold/classify.ts'
import { planText } from '../../src/plan/scaffold/plan-text.ts'
import { catalogOf, type Tables } from '../helpers/catalog.ts'
import { organizations, projects, sampled, small, tenantIn } from '../helpers/plans/scaffolded.ts'

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

  test('leaves out what rows of everybody refer to and cannot bring', () => {
    const text = textOf({
      ...small,
      users: {
        ...{ id: 'int8 key', boss_id: 'int8 -> users.id' },
        last_organization_id: 'int8 -> organizations.id',
      },
      members: {
        organization_id: 'int8 key -> organizations.id',
        user_id: 'int8 key -> users.id',
      },
    })
    expect(text).toMatch(
      /decide: the target gets no last_organization_id, boss_id\n {4}shared\('users', \{ referencedBy: 'members.user_id', columns: \{ drop: \['last_organization_id', 'boss_id'\] \}, leaveReferences: true \}\)/,
    )
  })

  test('names a unique index of columns that may be null, with what to do', () => {
    const loose = { organization_id: 'int8 not-null -> organizations.id', code: 'text unique' }
    expect(textOf({ ...small, loose })).toMatch(
      /decide: [^\n]*"code" may be null: `alter table "public"."loose" alter column "code" set not null`[^\n]*\n {4}table\('loose', \{ key: \['code'\] \}\)/,
    )
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

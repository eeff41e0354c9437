// Rows that belong to the tenant whose rows refer to them: paths that lead from parent to child.
import { describe, expect, test } from 'vitest'
import { discover, type PlanInput, table } from '../../../src/plan/plan.ts'
import { findingsOf, planOf, route, type Tables } from '../../helpers/catalog.ts'

const tenants = { id: 'text key', tenant_id: 'text', settings_id: 'int8 -> settings.id' }
const settings = { id: 'int8 key', theme: 'text' }
const files = { id: 'int8 key', tenant_id: 'text', blob_id: 'int8' }
const blobs = { id: 'int8 key' }

const plan = (...tables: PlanInput['tables']) => planOf([table('tenants'), ...tables])

describe('a table that rows of a tenant refer to', () => {
  test('is found by them, at both ends, in a circle with their table', () => {
    const routing = route(plan(table('settings', { referencedBy: 'tenants.settings_id' })), {
      tenants,
      settings,
    })
    expect(findingsOf(routing)).toEqual([])
    const own = routing.routes.find(({ source }) => source.name === 'settings')
    expect(own?.sourcePath).toEqual({
      ...{ kind: 'any', table: 'settings', key: ['id'], selves: [], deferrable: true },
      ways: [
        {
          ...{
            kind: 'through',
            columns: ['id'],
            parent: 'tenants',
            parentColumns: ['settings_id'],
          },
          ...{ undeclared: true, inverse: true, deferrable: true },
          path: { kind: 'column', column: 'tenant_id' },
        },
      ],
    })
    expect(own?.targetPath).toEqual(own?.sourcePath)
    expect([...routing.cycle].sort()).toEqual(['settings', 'tenants'])
  })

  test('may be referred to by several tables, without a foreign key, and have rows below it', () => {
    const parts = { id: 'int8 key', blob_id: 'int8 not-null -> blobs.id' }
    const routing = route(
      planOf([
        table('files'),
        table('tenants'),
        table('blobs', { referencedBy: ['files.blob_id', 'tenants.settings_id'] }),
        table('parts', { through: 'blob_id' }),
      ]),
      { tenants: { ...tenants, settings_id: 'int8' }, files, blobs, parts },
    )
    expect(findingsOf(routing)).toEqual([])
    const pathOf = (name: string) =>
      routing.routes.find(({ source }) => source.name === name)?.sourcePath
    expect(pathOf('blobs')).toMatchObject({
      ways: [{ parent: 'files' }, { parent: 'tenants', parentColumns: ['settings_id'] }],
    })
    expect(pathOf('parts')).toMatchObject({ kind: 'through', path: { kind: 'any' } })
  })

  test('is found under new names at the target', () => {
    const named = planOf([
      table('tenants', { to: 'orgs', columns: { rename: { settings_id: 'config' } } }),
      table('settings', { to: 'configs', referencedBy: 'tenants.settings_id' }),
    ])
    const there = {
      orgs: { id: 'text key', tenant_id: 'text', config: 'int8 -> configs.id' },
      configs: settings,
    }
    const routing = route(named, { tenants, settings }, there)
    expect(findingsOf(routing)).toEqual([])
    const own = routing.routes.find(({ source }) => source.name === 'settings')
    expect(own?.targetPath).toMatchObject({ ways: [{ parent: 'orgs', parentColumns: ['config'] }] })
  })

  test.each<[string, string, Tables, string]>([
    [
      'by a table that is not planned',
      'files.blob_id',
      { tenants, settings, files: { id: 'int8 key', blob_id: 'int8' } },
      '"id" leads to "files", which is not planned',
    ],
    [
      'by a column of another type',
      'tenants.id',
      { tenants, settings },
      'column "id" cannot refer to "tenants.id": their types are int8 and text at the source',
    ],
    [
      'where it has no primary key',
      'tenants.tenant_id',
      { tenants: { id: 'text key', tenant_id: 'text' }, settings: { id: 'int8' } },
      'has no primary key, by which rows could refer to it at the source',
    ],
  ])('is refused %s', (_, referencedBy, at, message) => {
    const routing = route(plan(table('settings', { referencedBy, key: ['id'] })), at)
    expect(findingsOf(routing)).toContain(`table "settings": ${message}`)
  })

  test('is named with the line that plans it', () => {
    const one = { ...tenants, settings_id: 'int8 unique -> settings.id' }
    expect(findingsOf(route(plan(), { tenants: one, settings }))).toEqual([
      expect.stringContaining("`table('settings', { referencedBy: 'tenants.settings_id' })`"),
    ])
  })

  test('belongs by nothing else', () => {
    const both = () =>
      plan(table('settings', { through: 'id', referencedBy: 'tenants.settings_id' }))
    expect(both).toThrow('"settings" has both `through` and `referencedBy`: keep one')
  })
})

test('discover with `follow` plans a table to each of whose rows one row alone refers', () => {
  const follow = planOf([table('tenants'), discover({ follow: true })])
  const one = { ...tenants, settings_id: 'int8 unique -> settings.id' }
  const found = route(follow, { tenants: one, settings }).routes.map(({ source }) => source.name)
  expect(found.sort()).toEqual(['settings', 'tenants'])
  expect(findingsOf(route(follow, { tenants, settings }))).toEqual([
    expect.stringContaining('"tenants" and is not planned'),
  ])
})

// Which tables a plan means, and which it would have forgotten.
import { describe, expect, test } from 'vitest'
import { discover, table } from '../../../src/plan/plan.ts'
import { findingsOf, planOf, route, type Tables } from '../../helpers/catalog.ts'

const source: Tables = {
  tenants: { id: 'text key', name: 'text' },
  notes: { id: 'int8 key', tenant_id: 'text -> tenants.id' },
  settings: { name: 'text key', value: 'jsonb' },
}

const planned = [table('tenants', { tenant: 'id' }), table('notes')]

function names(plan: Parameters<typeof route>[0], at: Tables): string[] {
  return route(plan, at).routes.map((entry) => entry.source.name)
}

describe('an unclassified table', () => {
  test('is named when it refers to a planned one', () => {
    const lines = { note_id: 'int8 key -> notes.id', line: 'int4 key' }
    expect(findingsOf(route(planOf(planned), { ...source, lines }))).toEqual([
      'table "lines": refers to planned table "notes" and is not planned: ' +
        "plan it, `table('lines', { through: 'note_id' })`, or put it into `exclude`",
    ])
  })

  test('is named when a planned one refers to it', () => {
    const notes = { ...source.notes, color_id: 'int8 -> colors.id' }
    const at = { ...source, notes, colors: { id: 'int8 key' } }
    expect(findingsOf(route(planOf(planned), at))).toEqual([
      'table "colors": is referred to by planned table "notes" and is not planned: ' +
        "plan it, `shared('colors', { referencedBy: 'notes.color_id' })`, or put it into `exclude`",
    ])
  })

  test("is named when it has the tenant's column", () => {
    const audit = { tenant_id: 'text', what: 'text' }
    expect(findingsOf(route(planOf(planned), { ...source, audit }))).toEqual([
      'table "audit": has the tenant\'s column "tenant_id" and is not planned: ' +
        "plan it, `table('audit')`, or put it into `exclude`",
    ])
  })

  test("is named when it has the tenant's column under the plan's own name for it", () => {
    const at = { notes: { id: 'int8 key', org: 'text' }, audit: { org: 'text' } }
    const plan = planOf([table('notes')], { tenantColumn: 'org' })
    expect(findingsOf(route(plan, at))).toEqual([
      expect.stringContaining('table "audit": has the tenant\'s column "org"'),
    ])
  })

  test('is none that touches nothing of the plan', () => {
    expect(findingsOf(route(planOf(planned), source))).toEqual([])
  })

  test('is none that the plan excludes, by itself or while discovering', () => {
    const at = { ...source, audit: { tenant_id: 'text' } }
    const tenants = table('tenants', { tenant: 'id' })
    const ways = [
      planOf(planned, { exclude: ['audit'] }),
      planOf([tenants, discover()], { exclude: ['audit'] }),
      planOf([tenants, discover({ exclude: ['audit'] })]),
    ]
    for (const plan of ways) {
      expect(findingsOf(route(plan, at))).toEqual([])
      expect(names(plan, at)).toEqual(['tenants', 'notes'])
    }
  })
})

describe('a name that means no table', () => {
  test('is refused as a table', () => {
    const plan = planOf([...planned, table('ntoes')])
    expect(findingsOf(route(plan, source))).toEqual([
      'table "ntoes": does not exist in schema "public" of the source',
    ])
  })

  test('is refused as an exclusion', () => {
    const plan = planOf([table('tenants', { tenant: 'id' }), discover({ exclude: ['audti'] })], {
      exclude: ['settigns'],
    })
    expect(findingsOf(route(plan, source))).toEqual([
      'exclude "settigns": is no table of the source or the target',
      'exclude "audti": is no table of the source or the target',
    ])
  })
})

describe('discovering', () => {
  test('finds every table with the column, and no other', () => {
    const at = { notes: { id: 'int8 key', tenant_id: 'text' }, settings: source.settings ?? {} }
    expect(names(planOf([discover()]), at)).toEqual(['notes'])
    expect(findingsOf(route(planOf([discover()]), at))).toEqual([])
  })

  test('finds tables by another column, which is then how their tenant is known', () => {
    const at = { notes: { id: 'int8 key', org: 'text' } }
    const [notes] = route(planOf([discover({ column: 'org' })]), at).routes
    expect(notes?.sourcePath).toEqual({ kind: 'column', column: 'org' })
  })

  test('leaves a table that is named its own settings', () => {
    const at = {
      tenants: { id: 'text key', tenant_id: 'text' },
      notes: { id: 'int8 key', tenant_id: 'text', body: 'text' },
    }
    const named = table('notes', { columns: { drop: ['body'] } })
    const { routes, findings } = route(planOf([discover(), named]), at)
    expect(findings).toEqual([])
    expect(routes.map((entry) => entry.source.name).sort()).toEqual(['notes', 'tenants'])
    const notes = routes.find((entry) => entry.source.name === 'notes')
    expect(notes?.columns.map((column) => column.name)).toEqual(['id', 'tenant_id'])
  })

  test('refuses to choose between two columns of one table', () => {
    const at = { notes: { id: 'int8 key', org: 'text', team: 'text' } }
    const plan = planOf([discover({ column: 'org' }), discover({ column: 'team' })])
    expect(findingsOf(route(plan, at))).toEqual([
      'table "notes": is discovered by both "org" and "team": name it, and its `tenant`',
    ])
    const named = planOf([
      discover({ column: 'org' }),
      discover({ column: 'team' }),
      table('notes', { tenant: 'team' }),
    ])
    expect(findingsOf(route(named, at))).toEqual([])
  })
})

describe('discover with `follow`', () => {
  const lines = { id: 'int8 key', note_id: 'int8 not-null -> notes.id' }
  const words = { id: 'int8 key', line_id: 'int8 -> lines.id', up: 'int8 -> words.id' }
  const at = { ...source, lines, words, colors: { id: 'int8 key' } }
  const follow = (exclude: readonly string[] = []) =>
    planOf([table('tenants', { tenant: 'id' }), discover({ follow: true, exclude })])

  test('finds tables whose keys lead to planned ones, at any distance', () => {
    const routing = route(follow(), at)
    expect(findingsOf(routing)).toEqual([])
    expect(routing.routes.map(({ source: { name } }) => name)).toEqual([
      ...['tenants', 'notes', 'lines', 'words'],
    ])
    expect(routing.routes.map(({ sourcePath }) => sourcePath.kind)).toEqual([
      ...['column', 'column', 'through', 'any'],
    ])
  })

  test('stops at tables that are excluded, and names what lies below planned ones', () => {
    expect(findingsOf(route(follow(['lines']), at))).toEqual([])
    const without = planOf([table('tenants', { tenant: 'id' }), discover({ exclude: ['lines'] })])
    const likes = { id: 'int8 key', note_id: 'int8 -> notes.id', tenant: 'text -> tenants.id' }
    expect(findingsOf(route(without, { ...at, likes }))).toEqual([
      expect.stringContaining("`table('likes', { through: anyOf('note_id', 'tenant') })`"),
    ])
  })
})

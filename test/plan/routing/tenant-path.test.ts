// How a row's tenant is known: by its own column, or through parents, at both ends.
import { describe, expect, test } from 'vitest'
import { discover, type TablePlan, table } from '../../../src/plan/plan.ts'
import { referencesMaxOf } from '../../../src/plan/routing/path.ts'
import { anyOf } from '../../../src/plan/through.ts'
import { findingsOf, planOf, route, type Tables } from '../../helpers/catalog.ts'

const notes = { id: 'int8 key', tenant_id: 'text' }
const lines = { id: 'int8 key', note_id: 'int8 -> notes.id' }
const words = { id: 'int8 key', line_id: 'int8 -> lines.id' }

/** The paths of one table at both ends. */
function pathsOf(name: string, plan: ReturnType<typeof planOf>, source: Tables, target = source) {
  const routing = route(plan, source, target)
  expect(findingsOf(routing)).toEqual([])
  const found = routing.routes.find((entry) => entry.source.name === name)
  return { source: found?.sourcePath, target: found?.targetPath }
}

describe("a tenant's column", () => {
  test('is the one of the plan, or the one of the table', () => {
    const column = (name: string) => ({ kind: 'column', column: name })
    const both = (name: string) => ({ source: column(name), target: column(name) })
    expect(pathsOf('notes', planOf([table('notes')]), { notes })).toEqual(both('tenant_id'))
    const at = { notes: { id: 'int8 key', org: 'uuid' } }
    expect(pathsOf('notes', planOf([table('notes', { tenant: 'org' })]), at)).toEqual(both('org'))
    expect(pathsOf('notes', planOf([table('notes')], { tenantColumn: 'org' }), at)).toEqual(
      both('org'),
    )
  })

  test('is found under its new name at the target', () => {
    const target = { notes: { id: 'int8 key', org: 'text' } }
    const renamed = table('notes', { columns: { rename: { tenant_id: 'org' } } })
    expect(pathsOf('notes', planOf([renamed]), { notes }, target).target).toEqual({
      kind: 'column',
      column: 'org',
    })
    const made = table('notes', { targetTenant: 'org', transform: () => null })
    expect(pathsOf('notes', planOf([made]), { notes }, target).target).toEqual({
      kind: 'column',
      column: 'org',
    })
  })

  test('that is missing is named, with the end and with what to say', () => {
    const without = { notes: { id: 'int8 key' } }
    expect(findingsOf(route(planOf([table('notes')]), without))).toEqual([
      'table "notes": has no column "tenant_id" at the source: set `tenant` or `through`',
      'table "notes": has no column "tenant_id" at the target: set `targetTenant` or `targetThrough`',
    ])
  })

  test.each(['text', 'varchar', 'bpchar(8)', 'uuid', 'int2', 'int4', 'int8'])(
    'may be %s',
    (type) => {
      expect(
        findingsOf(route(planOf([table('notes')]), { notes: { ...notes, tenant_id: type } })),
      ).toEqual([])
    },
  )

  test.each([
    ['citext', 'citext'],
    ['numeric', 'numeric'],
    ['float8', 'float8'],
    ['jsonb', 'jsonb'],
    ['text nondeterministic', 'text of that collation'],
    // It cuts what is longer than 63 bytes, so that two ids may be written in one way.
    ['name', 'name'],
  ])('may not be %s, where equal ids are written in two ways', (type, shown) => {
    const at = { notes: { ...notes, tenant_id: type } }
    const [first, second] = findingsOf(route(planOf([table('notes')]), at))
    expect(first).toBe(
      `table "notes": column "tenant_id" at the source is ${shown}, where one id can be written ` +
        'in two ways: only text, varchar, bpchar, uuid, int2, int4, int8 can tell tenants apart',
    )
    expect(second).toContain('at the target')
  })
})

describe('a table without a column of its own', () => {
  const plan = planOf([
    table('words', { through: 'line_id' }),
    table('lines', { through: 'note_id' }),
    table('notes'),
  ])
  const throughNotes = {
    kind: 'through',
    columns: ['note_id'],
    parent: 'notes',
    parentColumns: ['id'],
    deferrable: false,
    path: { kind: 'column', column: 'tenant_id' },
  }

  test('belongs to the tenant of its parent, also over two levels', () => {
    const at = { notes, lines, words }
    expect(pathsOf('lines', plan, at).source).toEqual(throughNotes)
    const throughLines = {
      kind: 'through',
      columns: ['line_id'],
      parent: 'lines',
      parentColumns: ['id'],
      deferrable: false,
      path: throughNotes,
    }
    expect(pathsOf('words', plan, at)).toEqual({ source: throughLines, target: throughLines })
  })

  test('comes after its parents, whatever the order of the plan', () => {
    const { routes } = route(plan, { notes, lines, words })
    expect(routes.map((entry) => entry.source.name)).toEqual(['notes', 'lines', 'words'])
  })

  test('may lead to a parent that was discovered', () => {
    const discovered = planOf([discover(), table('lines', { through: 'note_id' })])
    expect(pathsOf('lines', discovered, { notes, lines }).source).toEqual(throughNotes)
  })

  test('may lead over several columns, named in any order', () => {
    const pages = { book: 'int8 key', page: 'int4 key', tenant_id: 'text' }
    const marks = {
      columns: { id: 'int8 key', in_book: 'int8', on_page: 'int4' },
      foreignKeys: ['in_book, on_page -> pages (book, page)'],
    }
    const both = planOf([table('pages'), table('marks', { through: ['on_page', 'in_book'] })])
    expect(pathsOf('marks', both, { pages, marks }).source).toMatchObject({
      columns: ['in_book', 'on_page'],
      parentColumns: ['book', 'page'],
    })
  })

  test('is followed under its new names at the target', () => {
    const target = {
      pages: { id: 'int8 key', tenant_id: 'text' },
      rows: { id: 'int8 key', page_id: 'int8 -> pages.id' },
    }
    const moved = planOf([
      table('notes', { to: 'pages' }),
      table('lines', {
        to: 'rows',
        through: 'note_id',
        columns: { rename: { note_id: 'page_id' } },
      }),
    ])
    expect(pathsOf('lines', moved, { notes, lines }, target)).toMatchObject({
      source: { columns: ['note_id'], parent: 'notes' },
      target: { columns: ['page_id'], parent: 'pages' },
    })
  })

  test('may get a column of its own, or another way, at the target', () => {
    const transform = () => null
    const own = { notes, lines: { ...lines, tenant_id: 'text' } }
    const gains = planOf([
      table('notes'),
      table('lines', { through: 'note_id', targetTenant: 'tenant_id', transform }),
    ])
    expect(pathsOf('lines', gains, { notes, lines }, own).target).toEqual({
      kind: 'column',
      column: 'tenant_id',
    })
    const other = { notes, lines: { id: 'int8 key', parent: 'int8 -> notes.id' } }
    const differs = planOf([
      table('notes'),
      table('lines', { through: 'note_id', targetThrough: 'parent', transform }),
    ])
    expect(pathsOf('lines', differs, { notes, lines }, other).target).toMatchObject({
      columns: ['parent'],
      parent: 'notes',
    })
  })
})

describe('a way that leads nowhere is refused:', () => {
  test('no foreign key on those columns', () => {
    const plan = planOf([table('notes'), table('lines', { through: 'note' })])
    const at = { notes, lines: { id: 'int8 key', note: 'int8' } }
    expect(findingsOf(route(plan, at))).toEqual([
      'table "lines": has no foreign key on "note" at the source',
      'table "lines": has no foreign key on "note" at the target',
    ])
  })

  test('a foreign key that the target lacks', () => {
    const plan = planOf([table('notes'), table('lines', { through: 'note_id' })])
    const target = { notes, lines: { id: 'int8 key', note_id: 'int8' } }
    expect(findingsOf(route(plan, { notes, lines }, target))).toEqual([
      'table "lines": has no foreign key on "note_id" at the target',
    ])
  })

  test('a parent that is not planned', () => {
    const plan = planOf([table('lines', { through: 'note_id' })], { exclude: ['notes'] })
    expect(findingsOf(route(plan, { notes, lines }))).toEqual([
      'table "lines": "note_id" leads to "notes", which is not planned',
    ])
  })

  test('a table that leads to itself', () => {
    const plan = planOf([table('notes', { through: 'parent_id' })])
    const at = { notes: { id: 'int8 key', parent_id: 'int8 -> notes.id' } }
    expect(findingsOf(route(plan, at))).toEqual(['table "notes": "parent_id" leads back to itself'])
  })

  test('tables that lead to each other', () => {
    const plan = planOf([table('a', { through: 'b_id' }), table('b', { through: 'a_id' })])
    const at = {
      a: { id: 'int8 key', b_id: 'int8 -> b.id' },
      b: { id: 'int8 key', a_id: 'int8 -> a.id' },
    }
    expect(findingsOf(route(plan, at))).toEqual([
      'table "b": "a_id" leads back to itself',
      'table "a": "b_id" leads back to itself',
    ])
  })

  test('a parent without a tenant, which is reported once, however many lead to it', () => {
    const plan = planOf([
      table('notes'),
      table('lines', { through: 'note_id' }),
      table('words', { through: 'line_id' }),
    ])
    expect(findingsOf(route(plan, { notes: { id: 'int8 key' }, lines, words }))).toEqual([
      'table "notes": has no column "tenant_id" at the source: set `tenant` or `through`',
      'table "notes": has no column "tenant_id" at the target: set `targetTenant` or `targetThrough`',
    ])
  })
})

describe('the most references between a row and its tenant', () => {
  const at = {
    notes,
    lines: { ...lines, up: 'int8 -> lines.id' },
    words: { ...words, note_id: 'int8 -> notes.id' },
  }
  const mostOf = (...tables: TablePlan[]) => {
    const planned = Object.entries(at).filter(([own]) => tables.some(({ name }) => name === own))
    const routing = route(planOf(tables), Object.fromEntries(planned))
    expect(findingsOf(routing)).toEqual([])
    return referencesMaxOf(routing.sources)
  }
  const through = (name: string, column: string) => table(name, { through: column })

  test('are those of the longest way', () => {
    expect(mostOf(table('notes'))).toBe(0)
    expect(mostOf(table('notes'), through('lines', 'note_id'))).toBe(1)
    const word = table('words', { through: anyOf('note_id', 'line_id') })
    expect(mostOf(table('notes'), through('lines', 'note_id'), word)).toBe(2)
  })

  test('have no limit below rows that refer to rows of their own table', () => {
    const line = table('lines', { through: anyOf('note_id', 'up') })
    expect(mostOf(table('notes'), line)).toBe(Number.POSITIVE_INFINITY)
    expect(mostOf(table('notes'), line, through('words', 'line_id'))).toBe(Number.POSITIVE_INFINITY)
  })
})

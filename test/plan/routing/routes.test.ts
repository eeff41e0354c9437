// A plan and two catalogues: from where to where, by which key, in which order, or why not.
import { describe, expect, test } from 'vitest'
import { table } from '../../../src/plan/plan.ts'
import { sql } from '../../../src/plan/sql-text.ts'
import { findingsOf, planOf, route, routeNotes, type Tables } from '../../helpers/catalog.ts'

const notes = { id: 'int8 key', tenant_id: 'text' }

function orderOf(plan: Parameters<typeof route>[0], source: Tables, target = source): string[] {
  return route(plan, source, target).routes.map((entry) => entry.source.name)
}

describe('a table', () => {
  test('goes to the one of the same name, or to the one that the plan says', () => {
    const [same] = route(planOf([table('notes')]), { notes }).routes
    expect([same?.source.name, same?.target.name]).toEqual(['notes', 'notes'])
    const elsewhere = planOf([table('notes', { to: 'pages' })])
    const [other] = route(elsewhere, { notes }, { pages: notes }).routes
    expect([other?.source.name, other?.target.name]).toEqual(['notes', 'pages'])
  })

  test('that the target does not have is named with its schema', () => {
    expect(findingsOf(route(planOf([table('notes')]), { notes }, {}))).toEqual([
      'table "notes": target table "public.notes" does not exist',
    ])
  })

  test('cannot share its target with another one', () => {
    const plan = planOf([table('notes'), table('drafts', { to: 'notes' })])
    expect(findingsOf(route(plan, { notes, drafts: notes }))).toEqual([
      'table "drafts": goes to "notes", as table "notes" does: give them different targets',
    ])
  })

  test('with findings has no route, and all of its findings are reported at once', () => {
    const source = { id: 'int8', owner: 'text', body: 'text', old: 'text' }
    const { routing, findings } = routeNotes({}, source, { id: 'int4', body: 'text' })
    expect(routing.routes).toEqual([])
    expect(findings).toHaveLength(6)
  })
})

describe('the key that tells rows apart', () => {
  test('is the primary key, also under its new names', () => {
    const source = { book: 'int8 key', page: 'int4 key', tenant_id: 'text' }
    const target = { volume: 'int8 key', page: 'int4 key', tenant_id: 'text' }
    const { routing } = routeNotes({ columns: { rename: { book: 'volume' } } }, source, target)
    expect(routing.routes[0]).toMatchObject({
      sourceKey: ['book', 'page'],
      targetKey: ['volume', 'page'],
    })
  })

  test('is the one that the plan names', () => {
    const source = { ...notes, code: 'text' }
    const { routing } = routeNotes({ key: ['tenant_id', 'code'] }, source)
    expect(routing.routes[0]).toMatchObject({
      sourceKey: ['tenant_id', 'code'],
      targetKey: ['id'],
    })
  })

  test("keeps the source's columns at a target without one, where it is called what it becomes", () => {
    const target = { nr: 'int8', tenant_id: 'text' }
    const { routing } = routeNotes({ columns: { rename: { id: 'nr' } } }, notes, target)
    expect(routing.routes[0]?.targetKey).toEqual(['nr'])
  })

  test('is asked for where there is none', () => {
    expect(routeNotes({}, { tenant_id: 'text' }).findings).toEqual([
      'table "notes": has no primary key: name unique columns with `key`',
    ])
  })

  test('has to exist', () => {
    expect(routeNotes({ key: ['tenant_id', 'nr'] }, notes).findings).toEqual([
      'table "notes": key column "nr" does not exist',
    ])
  })
})

describe('the order', () => {
  const tables: Tables = {
    lines: { id: 'int8 key', tenant_id: 'text', note_id: 'int8 -> notes.id' },
    notes: { ...notes, author_id: 'int8 -> authors.id' },
    authors: { id: 'int8 key', tenant_id: 'text' },
  }
  const plan = planOf([table('lines'), table('notes'), table('authors')])

  test("follows the target's foreign keys, where the rows arrive", () => {
    expect(orderOf(plan, tables)).toEqual(['authors', 'notes', 'lines'])
    const turned = {
      lines: { id: 'int8 key', tenant_id: 'text', note_id: 'int8' },
      notes: { ...notes, author_id: 'int8 -> lines.id' },
      authors: { id: 'int8 key', tenant_id: 'text' },
    }
    expect(orderOf(plan, tables, turned)).toEqual(['lines', 'notes', 'authors'])
  })

  test('names the tables of a circle', () => {
    const circle: Tables = {
      lines: { id: 'int8 key', tenant_id: 'text', note_id: 'int8 -> notes.id' },
      notes: { ...notes, first_line_id: 'int8 -> lines.id' },
      authors: { id: 'int8 key', tenant_id: 'text' },
    }
    const { routes, cycle, findings } = route(plan, circle)
    expect(cycle).toEqual(['lines', 'notes'])
    expect(routes).toHaveLength(3)
    expect(findings).toEqual([])
  })

  test('sees rows that point at rows of the same table, which is no circle', () => {
    const at = { notes: { ...notes, parent_id: 'int8 -> notes.id' } }
    const { routes, cycle } = route(planOf([table('notes')]), at)
    expect(routes[0]?.selfReference).toBe(true)
    expect(cycle).toEqual([])
  })

  test('counts a self-reference at the target only, where it is in the way', () => {
    const pointing = { ...notes, parent_id: 'int8 -> notes.id' }
    const plain = { ...notes, parent_id: 'int8' }
    const single = planOf([table('notes')])
    expect(route(single, { notes: pointing }, { notes: plain }).routes[0]?.selfReference).toBe(
      false,
    )
    expect(route(single, { notes: plain }, { notes: pointing }).routes[0]?.selfReference).toBe(true)
  })
})

test('a route has what its table was planned with', () => {
  const transform = (row: Record<string, unknown>) => row
  const options = { transform, columns: { compute: { shout: sql`upper(r.body)` } } }
  const { routing } = routeNotes({ ...options, computed: { shout: 'text' } }, notes)
  expect(routing.routes[0]).toMatchObject({ transform, plan: { name: 'notes', transform } })
  expect(routing.routes[0]?.columns.at(-1)).toEqual({
    name: 'shout',
    from: null,
    expression: '(upper(r.body))',
    typeName: 'text',
    castTo: null,
  })
})

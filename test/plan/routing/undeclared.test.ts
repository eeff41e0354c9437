// References that only the plan says become keys of the catalogue, or findings.
import { describe, expect, test } from 'vitest'
import { table } from '../../../src/plan/plan.ts'
import type { TableOptions } from '../../../src/plan/table-options.ts'
import { type AnyOf, anyOf } from '../../../src/plan/through.ts'
import { findingsOf, planOf, route, type Tables } from '../../helpers/catalog.ts'

const notes = { id: 'int8 key', tenant_id: 'text', slug: 'text' }
const lines = { id: 'int8 key', note: 'int8' }

type Options = TableOptions<Record<string, unknown>, Record<string, unknown>>

const plan = (options: Options, more: Options = {}) =>
  planOf([table('lines', options), table('notes', more)])

const byNote: Options = { through: { note: 'notes.id' } }

describe('a reference without a foreign key', () => {
  test('is a path, and a key in the catalogue of both ends', () => {
    const routing = route(plan(byNote), { notes, lines })
    expect(findingsOf(routing)).toEqual([])
    const [parent, child] = routing.routes
    expect([parent?.source.name, child?.source.name]).toEqual(['notes', 'lines'])
    expect(child?.sourcePath).toEqual({
      ...{ kind: 'through', columns: ['note'], parent: 'notes', parentColumns: ['id'] },
      ...{ undeclared: true, deferrable: true, path: { kind: 'column', column: 'tenant_id' } },
    })
    expect(child?.targetPath).toEqual(child?.sourcePath)
    const reference = { table: 'lines', columns: ['note'], parent: 'notes', undeclared: true }
    expect(parent?.source.references).toMatchObject([reference])
    expect(parent?.target.references).toMatchObject([reference])
  })

  test('is the declared key where there is one', () => {
    const declared = { ...lines, note: 'int8 -> notes.id' }
    const [, child] = route(plan(byNote), { notes, lines: declared }).routes
    expect(child?.sourcePath).toMatchObject({ kind: 'through', deferrable: false })
    expect(child?.sourcePath).not.toHaveProperty('undeclared')
    expect(child?.source.foreignKeys).toHaveLength(1)
  })

  test('is followed under new names at the target', () => {
    const target = {
      pages: { key: 'int8 key', tenant_id: 'text', slug: 'text' },
      lines: { id: 'int8 key', page: 'int8' },
    }
    const renamed = plan(
      { ...byNote, columns: { rename: { note: 'page' } } },
      { to: 'pages', columns: { rename: { id: 'key' } } },
    )
    const routing = route(renamed, { notes, lines }, target)
    expect(findingsOf(routing)).toEqual([])
    expect(routing.routes[1]?.targetPath).toMatchObject({
      ...{ columns: ['page'], parent: 'pages', parentColumns: ['key'], undeclared: true },
    })
  })

  test('may be of several columns, in any order', () => {
    const pages = { book: 'int8 key', page: 'int4 key', tenant_id: 'text' }
    const marks = { id: 'int8 key', on_page: 'int2', in_book: 'int8' }
    const through = { on_page: 'pages.page', in_book: 'pages.book' }
    const routing = route(planOf([table('pages'), table('marks', { through })]), { pages, marks })
    expect(findingsOf(routing)).toEqual([])
    expect(routing.routes[1]?.sourcePath).toMatchObject({ parentColumns: ['page', 'book'] })
  })

  test.each<[string, Options, Tables, string]>([
    [
      'to a column that is not unique',
      { through: { text: 'notes.slug' } },
      { notes, lines: { ...lines, text: 'text' } },
      'refers to "slug" of "notes", which no unique index has: a row could have several parents at the source',
    ],
    [
      'between types that are not compared by one operator',
      byNote,
      { notes, lines: { ...lines, note: 'text' } },
      'column "note" cannot refer to "notes.id": their types are text and int8 at the source',
    ],
    [
      'by a column that does not exist',
      { through: { page: 'notes.id' } },
      { notes, lines },
      'has no column "page" at the source',
    ],
    [
      'to a column that does not exist',
      { through: { note: 'notes.key' } },
      { notes, lines },
      'refers to "notes.key", which does not exist at the source',
    ],
    [
      'to a table that does not exist',
      { through: { note: 'pages.id' } },
      { notes, lines },
      'refers to "pages", which does not exist at the source',
    ],
  ])('is refused %s', (_, options, at, message) => {
    expect(findingsOf(route(plan(options), at))).toContain(`table "lines": ${message}`)
  })

  test('is refused to a table that does not move', () => {
    const alone = planOf([table('lines', byNote)], { exclude: ['notes'] })
    expect(findingsOf(route(alone, { notes, lines }))).toEqual([
      'table "lines": "note" leads to "notes", which is not planned',
    ])
  })

  test('names a table and a column of it', () => {
    const message = `plan field \`tables.0.through.0.to\` of "lines": has to be \`{ column: 'table.column' }\`, all columns of one table`
    expect(() => plan({ through: { note: 'id' } })).toThrow(message)
    expect(() => plan({ through: { note: 'notes.id', b: 'pages.id' } })).toThrow(message)
  })
})

describe('several ways', () => {
  const posts = { id: 'int8 key', tenant_id: 'text' }
  const replies = { id: 'int8 key', post: 'int8 -> posts.id', up: 'int8 -> replies.id' }
  const both = (through: AnyOf) => planOf([table('posts'), table('replies', { through })])

  test('are one path, which knows the way to rows of the same table', () => {
    const routing = route(both(anyOf('post', 'up')), { posts, replies })
    expect(findingsOf(routing)).toEqual([])
    const up = { columns: ['up'], parent: 'replies', parentColumns: ['id'], deferrable: false }
    expect(routing.routes[1]?.sourcePath).toEqual({
      ...{ kind: 'any', table: 'replies', key: ['id'], deferrable: false, selves: [up] },
      ways: [expect.objectContaining({ kind: 'through', columns: ['post'], parent: 'posts' })],
    })
  })

  test.each<[string, Tables[string], AnyOf, string]>([
    [
      'of which all lead to the table itself',
      replies,
      anyOf('up', 'up'),
      'refers to itself alone: name a way to a tenant',
    ],
    [
      'of which one has no key',
      { ...replies, up: 'int8' },
      anyOf('post', 'up'),
      'has no foreign key on "up" at the source',
    ],
    [
      'of a table without a primary key',
      { id: 'int8', post: 'int8 -> posts.id', other: 'int8 -> posts.id' },
      anyOf('post', 'other'),
      'has no primary key, which rows with several ways need',
    ],
  ])('are refused %s', (_, at, through, message) => {
    expect(findingsOf(route(both(through), { posts, replies: at }))).toContain(
      `table "replies": ${message}`,
    )
  })
})

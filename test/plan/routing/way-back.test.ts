// The way back of a route: which columns go it, which stay where they are, and why none may.
import { expect, test } from 'vitest'
import { columnsLeft, wayBack } from '../../../src/plan/routing/way-back.ts'
import { sql } from '../../../src/plan/sql-text.ts'
import type { TableOptions } from '../../../src/plan/table-options.ts'
import { type Columns, routeNotes } from '../../helpers/catalog.ts'

type Options = TableOptions<Record<string, unknown>, Record<string, unknown>>

const notes = { id: 'int8 key', tenant_id: 'text not-null', body: 'text' }

function backOf(options: Options, source: Columns = notes, target: Columns = source) {
  const { routing, findings } = routeNotes(options, source, target)
  const [route] = routing.routes
  if (!route) throw new Error(findings.join('; '))
  const back = wayBack(route)
  const brought = back.columns.map(({ name, expression, castTo }) =>
    [name, '←', expression, castTo].filter((word) => word !== null).join(' '),
  )
  return { ...back, brought, left: columnsLeft(back) }
}

test('is the same columns', () => {
  const back = backOf({})
  expect(back.brought).toEqual(['id ← r."id"', 'tenant_id ← r."tenant_id"', 'body ← r."body"'])
  expect([back.blocked, back.left]).toEqual([undefined, []])
})

test('takes renames back, and narrows what was widened', () => {
  const source = { ...notes, id: 'int4 key' }
  const target = { id: 'int8 key', tenant_id: 'text not-null', text: 'text' }
  const { brought, blocked } = backOf({ columns: { rename: { body: 'text' } } }, source, target)
  expect(brought).toEqual(['id ← r."id" int4', 'tenant_id ← r."tenant_id"', 'body ← r."text"'])
  expect(blocked).toBeUndefined()
})

test('of the way back is the way there', () => {
  const { routing } = routeNotes({}, notes, notes)
  const [route] = routing.routes
  if (!route) throw new Error('no route')
  expect(wayBack(route).backOf).toBe(route)
})

test('leaves alone what only the source has', () => {
  const source = { ...notes, old: 'text', words: 'int4 generated' }
  const { brought, left, blocked } = backOf({ columns: { drop: ['old'] } }, source, notes)
  expect(brought).toHaveLength(3)
  expect([left, blocked]).toEqual([['old'], undefined])
})

test('does not take a column for one that was renamed to its name', () => {
  const source = { ...notes, text: 'text' }
  const options = { columns: { drop: ['body'], rename: { text: 'body' } } }
  const { brought, left } = backOf(options, source, notes)
  expect(brought).toContain('text ← r."body"')
  expect(left).toEqual(['body'])
})

test('brings nothing of an expression', () => {
  const options = { columns: { compute: { body: sql`lower(r.body)` } } }
  expect(backOf(options).left).toEqual(['body'])
})

test.each<[why: string, options: Options, source: Columns, target: Columns]>([
  ['its transform has no `invert`', { transform: (row) => row }, notes, notes],
  [
    'no column of the target has the source\'s column "kind"',
    { columns: { drop: ['kind'] } },
    { ...notes, kind: 'text not-null' },
    notes,
  ],
  [
    'no column of the target has the source\'s column "number"',
    { columns: { drop: ['number'] } },
    { ...notes, number: 'int8 identity' },
    notes,
  ],
  [
    'the source has no place for the target\'s column "extra"',
    {},
    notes,
    { ...notes, extra: 'text' },
  ],
  [
    'the source\'s key "code" cannot hold all keys of the target',
    {},
    { code: 'varchar(10) key', tenant_id: 'text' },
    { code: 'text key', tenant_id: 'text' },
  ],
])('there is none: %s', (why, options, source, target) => {
  expect(backOf(options, source, target).blocked).toBe(why)
})

test('an `invert` is given all columns of the target, and may do what it likes', () => {
  const transform = (row: Record<string, unknown>) => row
  const source = { ...notes, old: 'text' }
  const target = { ...notes, extra: 'text', words: 'int4 generated' }
  const options = { transform, invert: transform, columns: { drop: ['old'] } }
  const { brought, blocked, left } = backOf(options, source, target)
  expect(brought).toHaveLength(5)
  expect([blocked, left]).toEqual([undefined, ['tenant_id', 'body', 'old']])
})

test('what an `invert` does not return can stay, but for the key and numbers', () => {
  const source = { ...notes, number: 'int8 identity', words: 'int4 generated' }
  const target = { ...notes, number: 'int8', words: 'int4 generated' }
  expect(backOf({ invert: (row) => row }, source, target).left).toEqual(['tenant_id', 'body'])
})

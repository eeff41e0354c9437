// What is said of a schema that has changed while a tenant was moved.
import { expect, test } from 'vitest'
import { catalogChanges } from '../../../src/plan/catalogs/catalog-changes.ts'
import { catalogOf } from '../../helpers/catalog.ts'

const before = catalogOf({
  notes: { id: 'int8 key', body: 'text', amount: 'numeric(10,2)' },
  visits: { id: 'int8 key' },
})

test('tables and columns that came, went or became others are named', () => {
  const after = catalogOf({
    notes: { id: 'int8 key', amount: 'numeric(12,2)', extra: 'text' },
    lines: { id: 'int8 key' },
  })
  expect(catalogChanges(before, after)).toEqual([
    'table "notes": column "body" is gone',
    'table "notes": column "amount" differs, numeric(10,2) became numeric(12,2)',
    'table "notes": column "extra" is new',
    'table "visits" is gone',
    'table "lines" is new',
  ])
})

test('a change of no column is reported by its kind', () => {
  const { tables } = before
  const [notes, visits] = [tables.get('notes'), tables.get('visits')]
  if (!notes || !visits) throw new Error('a table is missing')
  const trigger = {
    relation: 'notes',
    name: 'audit',
    always: false,
    body: '',
    ours: false,
    passing: false,
  }
  const changed = new Map([
    ['notes', { ...notes, triggers: [trigger] }],
    ['visits', { ...visits, uniques: [] }],
  ])
  expect(catalogChanges(before, { ...before, tables: changed })).toEqual([
    'table "notes": its triggers differ',
    'table "visits": its keys, partitions or privileges differ',
  ])
  expect(catalogChanges(before, before)).toEqual([])
})

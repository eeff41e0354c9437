// What is said of a plan for two models that does not hold together, without a server.
import { expect, test } from 'vitest'
import { sourceTable, table, targetTable } from '../../src/plan/plan.ts'
import { sql } from '../../src/plan/sql-text.ts'
import { stream } from '../../src/plan/stream.ts'
import { findingsAt, noteTables } from '../helpers/plans/checks.ts'

const newIds = { notes: { by: sql`nextval('notes_id_seq')` } }
const lines = { through: 'note_id' }
const tables = {
  ...noteTables,
  notes: { id: 'int8 key', tenant_id: 'text not-null', parent: 'int8 -> notes.id' },
}
const toNotes = (name: string, more: object = {}) =>
  stream<object, { notes: object }>(name, {
    ...{ from: 'notes', to: ['notes'], transform: (row) => ({ notes: row }) },
    ...more,
  })

test('ids that become others do so wherever they stand', () => {
  const plan = {
    newIds,
    tables: [
      table('notes', { newIds: { id: 'notes', parent: 'notes' } }),
      table('lines', { ...lines, newIds: { note_id: 'notes' } }),
    ],
  }
  expect(findingsAt({ plan, sourceTables: tables })).toEqual([])
})

test('an id that stays what it was, where others become new ones, is named', () => {
  const plan = {
    newIds,
    tables: [table('notes', { newIds: { id: 'notes' } }), table('lines', lines)],
  }
  const found = findingsAt({ plan, sourceTables: tables })
  const others = '", whose ids become others: give both the same `newIds`'
  expect(found).toEqual([
    `table "notes": "parent" refers to "notes${others}`,
    `table "lines": "note_id" refers to "notes${others}`,
  ])
})

test('an id that becomes another, where what it refers to does not, is named', () => {
  const plan = {
    newIds,
    tables: [table('notes'), table('lines', { ...lines, newIds: { note_id: 'notes' } })],
  }
  expect(findingsAt({ plan })).toEqual([expect.stringContaining('"note_id" refers to "notes"')])
})

test('unknown names of columns and of ids are reported', () => {
  const plan = {
    newIds,
    tables: [table('notes', { newIds: { hour: 'notes', body: 'none' } }), table('lines', lines)],
  }
  expect(findingsAt({ plan })).toEqual([
    'table "notes": `newIds` names column "hour", which it does not have',
    'table "notes": `newIds` of the plan have no "none"',
  ])
})

test('new ids are for offline moves', () => {
  const plan = {
    ...({ newIds, strategy: 'online', rollback: { windowMs: 0 } } as const),
    tables: [
      table('notes', { newIds: { id: 'notes' } }),
      table('lines', { ...lines, newIds: { note_id: 'notes' } }),
    ],
  }
  expect(findingsAt({ plan })).toEqual([
    'table "notes": `newIds` is for offline moves',
    'table "lines": `newIds` is for offline moves',
  ])
})

test('a table that no stream reads, and one that none fills, would be emptied for nothing', () => {
  const plan = {
    exclude: ['lines'],
    tables: [
      sourceTable('notes'),
      sourceTable('heads'),
      targetTable('notes'),
      targetTable('tails'),
      toNotes('notes'),
    ],
  }
  const own = { id: 'int8 key', tenant_id: 'text not-null' }
  const found = findingsAt({
    plan,
    sourceTables: { ...noteTables, heads: own },
    targetTables: { ...noteTables, tails: own },
  })
  expect(found).toEqual([
    'table "heads": is read by no stream: put it into `exclude`',
    'target table "tails": is filled by no stream',
  ])
})

test('a table that does not fit the other end is said so, and not to lack a stream', () => {
  const targetTables = { ...noteTables, notes: { ...noteTables.notes, body: 'int4' } }
  expect(findingsAt({ targetTables })).toEqual([
    expect.stringMatching(/^table "notes": column "body"/),
  ])
})

test('a stream that reads by a query may read any of the planned tables', () => {
  const from = (tenant: string) => sql`select * from notes where tenant_id = ${tenant}`
  const plan = {
    exclude: ['lines'],
    tables: [
      sourceTable('notes'),
      sourceTable('heads'),
      targetTable('notes'),
      toNotes('notes', { from, key: 'id' }),
    ],
  }
  const heads = { id: 'int8 key', tenant_id: 'text not-null' }
  const found = findingsAt({
    plan,
    sourceTables: { ...noteTables, heads },
    targetTables: noteTables,
  })
  expect(found.filter((finding) => finding.includes('read by no stream'))).toEqual([])
})

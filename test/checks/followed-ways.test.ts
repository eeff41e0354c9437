// Ways to the tenant that differ between the ends, where changes are followed over HTTP.
import { describe, expect, test } from 'vitest'
import { http } from '../../src/plan/endpoint.ts'
import { type PlanInput, table } from '../../src/plan/plan.ts'
import { sql } from '../../src/plan/sql-text.ts'
import { anyOf } from '../../src/plan/through.ts'
import type { Tables } from '../helpers/catalog.ts'
import { findingsAt, noteTables } from '../helpers/plans/checks.ts'

test('rows that are as far from their tenant by another table are not followed over HTTP', () => {
  const lines = {
    note_id: 'int8 key -> notes.id',
    tag_id: 'int8 not-null -> tags.id',
    line: 'int4 key',
  }
  const tags = { id: 'int8 key', tenant_id: 'text not-null' }
  const asked = { enforcement: 'database', feed: true } as const
  const found = findingsAt({
    plan: {
      source: http({ baseUrl: 'http://127.0.0.1:1/rehome', auth: { bearerFrom: 'SECRET' } }),
      strategy: 'online',
      tables: [
        ...[table('notes'), table('tags')],
        table('lines', { through: 'note_id', targetThrough: 'tag_id' }),
      ],
    },
    sourceTables: { ...noteTables, tags, lines },
    ...{ source: asked, target: asked },
  })
  expect(found).toEqual([
    'table "lines": finds its tenant by another way at the target, which changes over HTTP cannot follow: move offline, with `rollback: { windowMs: 0 }`',
  ])
})

const ways: Record<string, readonly [Tables, PlanInput['tables']]> = {
  'a reference without a key': [
    { lines: { id: 'int8 key', note_id: 'int8' } },
    [table('lines', { through: { note_id: 'notes.id' } })],
  ],
  'several ways': [
    { lines: { id: 'int8 key', note_id: 'int8 -> notes.id', tag_id: 'int8 -> tags.id' } },
    [table('lines', { through: anyOf('note_id', 'tag_id') })],
  ],
  'rows of the same table': [
    { lines: { id: 'int8 key', note_id: 'int8 -> notes.id', above_id: 'int8 -> lines.id' } },
    [table('lines', { through: anyOf('note_id', 'above_id') })],
  ],
  'a type': [
    { lines: { id: 'int8 key', of_type: 'text', of_id: 'int8' } },
    [table('lines', { through: [{ of_id: 'notes.id', when: sql`r.of_type = 'Note'` }] })],
  ],
  'being referred to': [
    {
      lines: { id: 'int8 key' },
      marks: { id: 'int8 key', tenant_id: 'text not-null', line_id: 'int8 -> lines.id' },
    },
    [table('marks'), table('lines', { referencedBy: 'marks.line_id' })],
  ],
}

describe.each(['source', 'target'] as const)('with the %s over HTTP, rows by', (end) => {
  test.each(Object.entries(ways))(
    '%s are for moves offline without a window',
    (_, [more, tables]) => {
      const tags = { id: 'int8 key', tenant_id: 'text not-null' }
      const asked = { enforcement: 'database', feed: true } as const
      const auth = { bearerFrom: 'SECRET' }
      const found = (plan: Pick<PlanInput, 'strategy' | 'rollback'>) =>
        findingsAt({
          plan: {
            [end]: http({ baseUrl: 'http://127.0.0.1:1/rehome', auth }),
            tables: [table('notes'), table('tags'), ...tables],
            ...plan,
          },
          sourceTables: { ...noteTables, tags, ...more },
          [end]: asked,
        }).filter((text) => text.includes('"lines"'))
      const offline = expect.stringContaining(
        'which changes over HTTP cannot follow: move offline, with `rollback: { windowMs: 0 }`',
      )
      expect(found({ strategy: 'online', rollback: { windowMs: 0 } })).toContainEqual(offline)
      expect(found({ strategy: 'offline', rollback: { windowMs: 60_000 } })).toContainEqual(offline)
      expect(found({ strategy: 'offline', rollback: { windowMs: 0 } })).toEqual([])
    },
  )
})

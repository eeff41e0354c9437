// Ways to the tenant that differ between the ends, where changes are followed over HTTP.
import { expect, test } from 'vitest'
import { http } from '../../src/plan/endpoint.ts'
import { table } from '../../src/plan/plan.ts'
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

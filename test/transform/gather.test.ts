// Rows that are gathered are given to a transform at once, so they are bounded by how large they
// are together.
import { expect, test } from 'vitest'
import { checkPlan } from '../../src/plan/check-plan.ts'
import { postgres } from '../../src/plan/endpoint.ts'
import { sourceTable } from '../../src/plan/plan.ts'
import { routeTables } from '../../src/plan/routing/routes.ts'
import { gather } from '../../src/plan/stream.ts'
import { mapStream } from '../../src/transform/stream-mapper.ts'
import { catalogOf } from '../helpers/catalog.ts'

const source = catalogOf({
  lines: { note_id: 'int8 key', line: 'int4 key', tenant_id: 'text not-null', text: 'text' },
})
const target = catalogOf({ notes: { id: 'int8 key', tenant_id: 'text not-null', lines: 'int4' } })

interface Line {
  readonly note_id: bigint
}

function mapper() {
  const plan = checkPlan({
    name: 'notes',
    source: postgres({ urlFrom: 'SOURCE_URL' }),
    target: postgres({ urlFrom: 'TARGET_URL' }),
    tenants: ['acme'],
    tables: [
      sourceTable('lines'),
      gather<Line, { notes: object }>('notes of lines', {
        from: 'lines',
        by: 'note_id',
        to: ['notes'],
        transform: (rows) => ({
          notes: { id: rows[0]?.note_id, tenant_id: 'acme', lines: rows.length },
        }),
      }),
    ],
  })
  const { routes, findings } = routeTables(plan, source, target)
  const [route] = routes
  if (!route?.stream) throw new Error(JSON.stringify(findings))
  const context = { tenantId: 'acme', scope: 'default', planName: 'notes', lookups: {} }
  return mapStream(route, route.stream, context)
}

const text = '.'.repeat(1_000_000)
const linesOf = (note: number, count: number) =>
  Array.from({ length: count }, (_, i) => [String(note), String(i), 'acme', text])

test('groups of 60 MB each pass', () => {
  const rows = mapper()
  const out = [1, 2].flatMap((note) => rows.map(linesOf(note, 60)))
  expect([...out, ...rows.end()].map(([, , lines]) => lines)).toEqual(['60', '60'])
})

test('a group of more than 64 MB is refused by its name and key', () => {
  const rows = mapper()
  const map = () => rows.map(linesOf(7, 70))
  expect(map).toThrow(/stream "notes of lines": .*\(note_id\) are larger than 64 MB.* key .*7/)
})

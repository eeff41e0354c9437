// By which references rows leave with their parents at an end where the tenant has a schema of its
// own, while tenants share tables at the other end.
import { describe, expect, test } from 'vitest'
import { ofTenant } from '../../../src/ends/postgres/tenant-schemas.ts'
import { type PlanInput, table } from '../../../src/plan/plan.ts'
import { routeTables } from '../../../src/plan/routing/routes.ts'
import { wayBack } from '../../../src/plan/routing/way-back.ts'
import { catalogOf, findingsOf, planOf, type Tables } from '../../helpers/catalog.ts'

const shared: Tables = {
  notes: { tenant_id: 'text not-null', id: 'int8 key' },
  lines: { id: 'int8 key', note_id: 'int8 -> notes.id' },
  words: { id: 'int8 key', line_id: 'int8 -> lines.id' },
}
const own: Tables = { ...shared, notes: { id: 'int8 key' } }
const tables: PlanInput['tables'] = [
  table('notes'),
  table('lines', { through: 'note_id' }),
  table('words', { through: 'line_id' }),
]
const online: Partial<PlanInput> = { strategy: 'online', rollback: { windowMs: 0 } }
const windowed: Partial<PlanInput> = { rollback: { windowMs: 60_000 } }

interface Between {
  readonly source?: Tables
  readonly target?: Tables
  readonly tables?: PlanInput['tables']
}

function intoSchema(change: Partial<PlanInput>, between: Between = {}) {
  const plan = planOf(between.tables ?? tables, change)
  const target = ofTenant(catalogOf(between.target ?? own), 'acme')
  return routeTables(plan, catalogOf(between.source ?? shared), target)
}

function fromSchema(change: Partial<PlanInput>, between: Between = {}) {
  const plan = planOf(between.tables ?? tables, change)
  const source = ofTenant(catalogOf(between.source ?? own), 'acme')
  return routeTables(plan, source, catalogOf(between.target ?? shared))
}

const whole = { kind: 'whole', tenant: 'acme' }
const below = {
  kind: 'through',
  parent: 'lines',
  columns: ['line_id'],
  path: { parent: 'notes', path: whole },
}

describe('rows below others', () => {
  test('leave a schema with their parents, online', () => {
    const routing = intoSchema(online)
    expect(findingsOf(routing)).toEqual([])
    const [notes, lines, words] = routing.routes
    expect(notes?.targetPath).toEqual(whole)
    expect(lines?.targetPath).toMatchObject({ ...whole, below: { parent: 'notes', path: whole } })
    expect(words?.targetPath).toMatchObject({ ...whole, below })
  })

  test('leave a schema with their parents on the way back, within a window', () => {
    const routing = fromSchema(windowed)
    expect(findingsOf(routing)).toEqual([])
    const [, , words] = routing.routes.map(wayBack)
    expect(words).toMatchObject({ source: { name: 'words' }, targetPath: { ...whole, below } })
  })

  test('need no reference in the schema where nothing follows them there', () => {
    for (const routing of [intoSchema({}), intoSchema(windowed), fromSchema(online)]) {
      expect(findingsOf(routing)).toEqual([])
      const paths = routing.routes.flatMap(({ sourcePath, targetPath }) => [sourcePath, targetPath])
      expect(paths.filter(({ kind }) => kind === 'whole')).toEqual([whole, whole, whole])
    }
  })

  test('are found by other columns in the schema, if the plan says so', () => {
    const target = { ...own, lines: { id: 'int8 key', note: 'int8 -> notes.id' } }
    const lines = { through: 'note_id', columns: { rename: { note_id: 'note' } } }
    const named = [table('notes'), table('lines', lines), table('words', { through: 'line_id' })]
    const routing = intoSchema(online, { target, tables: named })
    expect(findingsOf(routing)).toEqual([])
    expect(routing.routes[1]?.targetPath).toMatchObject({ below: { columns: ['note'] } })
  })

  test('that the schema cannot tell are named', () => {
    const source = { ...own, lines: { id: 'int8 key', note_id: 'int8' } }
    const said = [
      table('notes'),
      table('lines', { targetThrough: 'note_id' }),
      table('words', { targetThrough: 'line_id' }),
    ]
    expect(findingsOf(fromSchema(windowed, { source, tables: said }))).toEqual([
      'table "lines": goes with rows of "notes" at the other end: say by which columns it refers to them at the source, with `through`',
      'table "words": goes with rows of "lines" at the other end: say by which columns it refers to them at the source, with `through`',
    ])
  })
})

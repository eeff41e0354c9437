// A column that both ends generate: a transform sees it, and what it returns for it is not written.
import { expect, test } from 'vitest'
import { checkPlan } from '../../src/plan/check-plan.ts'
import { postgres } from '../../src/plan/endpoint.ts'
import { type PlanInput, sourceTable, table } from '../../src/plan/plan.ts'
import type { Route } from '../../src/plan/routing/route.ts'
import { routeTables } from '../../src/plan/routing/routes.ts'
import { wayBack } from '../../src/plan/routing/way-back.ts'
import { stream } from '../../src/plan/stream.ts'
import { mapperOf } from '../../src/transform/text-transform.ts'
import { catalogOf } from '../helpers/catalog.ts'

type Row = Record<string, string | number | null>

const columns = { id: 'int4 key', tenant_id: 'text not-null', code: 'text' }
const ends = (made: { readonly source: string; readonly target: string }) => ({
  source: catalogOf({ notes: { ...columns, made: made.source } }),
  target: catalogOf({ notes: { ...columns, made: made.target } }),
})
const atBoth = ends({ source: 'int4 generated', target: 'int4 generated' })

function routeOf(tables: PlanInput['tables'], { source, target } = atBoth): Route {
  const at = { source: postgres({ urlFrom: 'SOURCE_URL' }), target: postgres({ urlFrom: 'T_URL' }) }
  const plan = checkPlan({ name: 'notes', ...at, tenants: ['acme'], tables })
  const { routes, findings } = routeTables(plan, source, target)
  const [route] = routes
  if (!route) throw new Error(JSON.stringify(findings))
  return route
}

const context = { tenantId: 'acme', scope: 'default', planName: 'notes', lookups: {} }

function mapped(route: Route, row: Record<string, string>) {
  const rows = mapperOf(route, context, { plainRows: false })
  const fields = route.columns.map(({ name }) => row[name] ?? null)
  const [texts = []] = [...rows.map([fields]), ...rows.end()]
  return Object.fromEntries(rows.columns().map((name, i) => [name, texts[i]]))
}

const notes = table<Row, Row>('notes', {
  transform: (row) => ({ ...row, code: `${row.code}${row.made}` }),
  invert: (row) => ({ ...row, code: 'back' }),
})
const row = { id: '1', tenant_id: 'acme', code: 'x', made: '7' }

test('a transform reads it and returns it, and it is left out', () => {
  expect(mapped(routeOf([notes]), row)).toEqual({ id: '1', tenant_id: 'acme', code: 'x7' })
})

test('`invert` returns it, and it is left out on the way back', () => {
  const back = wayBack(routeOf([notes]))
  expect(mapped(back, row)).toEqual({ id: '1', tenant_id: 'acme', code: 'back' })
})

test('a stream returns it, and it is left out', () => {
  const all = stream<Row, { notes: object }>('all notes', {
    ...{ from: 'notes', to: ['notes'] },
    transform: (one) => ({ notes: { ...one } }),
  })
  const route = routeOf([sourceTable('notes'), all])
  expect(mapped(route, row)).toEqual({ id: '1', tenant_id: 'acme', code: 'x' })
})

test('a column that only the target generates is refused', () => {
  const route = routeOf([notes], ends({ source: 'int4', target: 'int4 generated' }))
  expect(() => mapped(route, row)).toThrow('the transform returns "made", which target "notes"')
})

// What a plan may say about schemas of tenants, and the names that its function may return.
import { expect, test } from 'vitest'
import type { SqlEnd } from '../../src/ends/end.ts'
import { schemaNames, schemaOfTenant } from '../../src/ends/postgres/tenant-schemas.ts'
import { checkPlan } from '../../src/plan/check-plan.ts'
import { http, postgres } from '../../src/plan/endpoint.ts'
import { type PlanInput, table } from '../../src/plan/plan.ts'
import { stream } from '../../src/plan/stream.ts'
import { shapesPlan } from '../helpers/schemas/shapes.ts'

const shapes = { source: 'schema', target: 'column' } as const
const planWith = (plan: Partial<PlanInput>) => shapesPlan({ shapes, tenants: ['acme'], plan })
const over = http({ baseUrl: 'http://127.0.0.1:1/rehome', auth: { bearerFrom: 'SECRET' } })

test.each<readonly [string, Partial<PlanInput>]>([
  ['the other end over HTTP', { target: over }],
  ['streams', { tables: [stream('s', { from: 'orders', to: ['orders'], transform: () => null })] }],
])('a schema or a database for each tenant excludes %s', (what, plan) => {
  const message = `plan field \`source\`: a schema or a database for each tenant excludes ${what}`
  expect(() => checkPlan(planWith(plan))).toThrow(message)
})

test('a schema is a name or a function', () => {
  const schema = 7 as unknown as string
  const source = postgres({ urlFrom: 'SOURCE_URL', schema })
  expect(() => checkPlan(planWith({ source }))).toThrow(/has to be a name, or a function/)
  expect(checkPlan(planWith({ tables: [table('orders')] })).source).toMatchObject({
    schema: expect.any(Function),
  })
})

function endNaming(schemaOf: (tenant: string) => unknown): SqlEnd {
  return { name: 'source', schemaOf } as unknown as SqlEnd
}

test.each<readonly [string, unknown]>([
  ['no text', undefined],
  ['nothing', ''],
  ['more than 63 bytes', 'ü'.repeat(32)],
  ['a NUL', 'tenant_\0'],
  ['half a character', 'tenant_\ud800'],
  ['PostgreSQL', 'pg_catalog'],
  ['the SQL standard', 'information_schema'],
  ['rehome', 'rehome'],
  ['its logs', 'rehome_log'],
])('the name of a schema that is %s is refused', (_, named) => {
  const end = endNaming(() => named)
  expect(() => schemaOfTenant(end, 'acme')).toThrow(/^plan field `source.schema` names/)
})

test('a name is taken as it is, and one that two tenants have is refused', () => {
  const schema = `Wild"card's ü`.padEnd(62, 'x')
  expect(
    schemaOfTenant(
      endNaming(() => schema),
      'acme',
    ),
  ).toMatchObject({ schema, tenant: 'acme' })
  const lower = endNaming((tenant) => tenant.toLowerCase())
  expect(schemaNames(lower, ['a', 'b', 'a'])).toEqual(['a', 'b', 'a'])
  expect(() => schemaNames(lower, ['acme', 'Acme'])).toThrow(
    'plan field `source.schema` names "acme" for both tenants "acme" and "Acme"',
  )
})

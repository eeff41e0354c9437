// What a small tenant's attempt does in few calls keeps the limits that hold for all others.
import { expect, test } from 'vitest'
import { table } from '../../src/plan/plan.ts'
import { hearing, openAttempts } from '../helpers/attempts.ts'
import { smallPlan } from '../helpers/small-plan.ts'
import { createWorld } from '../helpers/world.ts'

const partitioned = (name: string) => {
  const parts = Array.from({ length: 12 }, (_, i) => {
    const bounds = `for values from (${i * 10}) to (${i * 10 + 10})`
    return `create table ${name}_${i} partition of ${name} ${bounds}`
  })
  const columns = `tenant_id text not null, n int, m int, primary key (tenant_id, n),
    unique (tenant_id, m, n), unique (m, tenant_id, n)`
  return [`create table ${name} (${columns}) partition by range (n)`, ...parts].join(';')
}

test('no transaction locks more relations than it may, however few rows the tenant has', async () => {
  const names = ['wide_a', 'wide_b']
  const tables = [...(smallPlan({}).tables ?? []), ...names.map((name) => table(name))]
  const both = names.map(partitioned).join(';')
  await using world = await createWorld({ plan: { tables, chunkRows: 1_000 }, both })
  await world.addTenant('acme')
  for (const name of names) {
    await world.source.pool.query(
      `insert into ${name} select 'acme', g from generate_series(1, 100) g`,
    )
  }
  await world.rehome.enqueue(world.plan(), { tenants: ['acme'] })
  await using attempts = openAttempts(world)
  const texts: string[] = []
  using _ = hearing('acme', ({ moment, text }) => moment === 'before' && texts.push(text))
  expect((await attempts.try('acme')).kind).toBe('settled')
  const rows = `select (select count(*)::int from wide_a) + (select count(*)::int from wide_b) as n`
  expect((await world.target.pool.query(rows)).rows).toEqual([{ n: 200 }])
  const isRead = (text: string, name: string) => text.includes(`"public"."${name}"`)
  expect(texts.filter((text) => isRead(text, 'wide_a')).length).toBeGreaterThan(3)
  expect(texts.filter((text) => names.every((name) => isRead(text, name)))).toEqual([])
})

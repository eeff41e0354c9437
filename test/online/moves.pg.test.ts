// A tenant that moves online goes on writing: nothing of it is lost, whatever it writes.
import { expect, test } from 'vitest'
import type { PlanInput } from '../../src/plan/plan.ts'
import { describeOnOneBackend } from '../helpers/backends.ts'
import { changeableKeys, startRestless } from '../helpers/moments/restless.ts'
import { ended, expectHome, flagsAt, rowsAt } from '../helpers/runs.ts'
import { createWorld, type World } from '../helpers/world.ts'

const plan: Partial<PlanInput> = {
  ...{ strategy: 'online', pause: { budgetMs: 20_000 }, attempts: 5 },
  fence: { leaseMs: 10_000, drainMs: 10_000 },
}

/** Entries of all logs at the source. */
async function loggedChanges(world: World): Promise<number> {
  const tables = `select format('%I.%I', schemaname, tablename) as name from pg_tables
    where schemaname = 'rehome_log'`
  let total = 0
  for (const { name } of (await world.source.pool.query(tables)).rows) {
    total += (await world.source.pool.query(`select count(*)::int as n from ${name}`)).rows[0].n
  }
  return total
}

describeOnOneBackend('an online move', (backend) => {
  test('brings the rows of a tenant that does not write', async () => {
    await using world = await createWorld({ backend, plan })
    await world.addTenant('acme', 30)
    await world.addTenant('other', 3)
    const before = await rowsAt(world, 'source', 'acme')
    await using _ = await world.work()
    const { runId } = await world.rehome.enqueue(world.plan(), { tenants: ['acme'] })
    expect((await ended(world, runId)).get('acme')).toMatchObject({ phase: 'moved' })
    expect(await rowsAt(world, 'target', 'acme')).toEqual(before)
    await expectHome(world, 'acme', 'target')
  })

  test('brings what is written meanwhile, and leaves no log behind', async () => {
    const inChunks = { ...plan, chunkRows: 25 }
    await using world = await createWorld({ backend, plan: inChunks, both: changeableKeys })
    await world.addTenant('acme', 800)
    await world.addTenant('other', 300)
    const others = async () => (await rowsAt(world, 'target', 'other')).length
    await using _ = await world.work()
    await using restless = startRestless(world, { tenant: 'acme', other: 'other' })
    const { runId } = await world.rehome.enqueue(world.plan(), { tenants: ['acme'] })
    const move = (await ended(world, runId)).get('acme')
    expect(move).toMatchObject({ phase: 'moved' })
    const rows = await rowsAt(world, 'source', 'acme')
    expect(await rowsAt(world, 'target', 'acme')).toEqual(rows)
    expect(await others()).toBe(0)
    expect(restless.accepted).toBeGreaterThan(2)
    expect(await flagsAt(world, 'source')).toEqual([['acme', 'moved']])
    expect(await loggedChanges(world)).toBe(0)
  })
})

test('rows that exchange a unique value arrive', async () => {
  const both = 'alter table notes add unique (tenant_id, amount)'
  await using world = await createWorld({ plan, both })
  await world.addTenant('acme', 300)
  await using _ = await world.work()
  let exchanged = 0
  let over = false
  const exchanging = (async () => {
    while (!over) if (await exchangeAmounts(world)) exchanged += 1
  })()
  const { runId } = await world.rehome.enqueue(world.plan(), { tenants: ['acme'] })
  const move = (await ended(world, runId)).get('acme')
  over = true
  await exchanging
  expect(move).toMatchObject({ phase: 'moved' })
  expect(exchanged).toBeGreaterThan(10)
  expect(await rowsAt(world, 'target', 'acme')).toEqual(await rowsAt(world, 'source', 'acme'))
})

/** Two notes of acme take each other's amount. false: the fence refused it. */
async function exchangeAmounts(world: World): Promise<boolean> {
  const two = `select id, amount from notes where tenant_id = 'acme' order by random() limit 2`
  const [left, right] = (await world.source.pool.query(two)).rows
  const set = (id: string, amount: string) =>
    `update notes set amount = ${amount} where id = ${id} and tenant_id = 'acme'`
  const statements = [set(left.id, '-1'), set(right.id, left.amount), set(left.id, right.amount)]
  return await world.source.pool.query(statements.join(';')).then(
    () => true,
    () => false,
  )
}

// Databases of tenants that `init` makes, as copies of a template or by a function of the plan, and
// that tenants move to and come back from.
import { expect, test } from 'vitest'
import { closeEnds, openEnds } from '../../src/coordinator/installation.ts'
import { preparableSchemas } from '../../src/coordinator/schema/prepare-schemas.ts'
import { checkPlan } from '../../src/plan/check-plan.ts'
import { postgres } from '../../src/plan/endpoint.ts'
import type { Preparing } from '../../src/plan/preparation.ts'
import { openPool, type TestDatabase } from '../helpers/database.ts'
import {
  createPlacesWorld,
  fill,
  makeTables,
  type PlacesWorld,
  rowsAt,
  type Spot,
  tryWrite,
} from '../helpers/places/places.ts'

/** A pool with tenants, and the URL of a database of `like`'s server for each of them. */
async function createSilos(world: PlacesWorld, tenants: readonly string[], like: TestDatabase) {
  const pool = await world.database()
  for (const [i, tenant] of tenants.entries()) {
    const spot: Spot = { shape: 'column', tenant, at: pool }
    if (i === 0) await makeTables(spot)
    await fill(spot, i + 1)
  }
  const nameOf = (tenant: string) => `${like.name}_${tenant}`
  const urlOf = (tenant: string) => like.url.replace(/[^/]*$/, nameOf(tenant))
  const at = (tenant: string): Spot => {
    const own = openPool(urlOf(tenant), { max: 1 })
    return { shape: 'database', tenant, at: { ...like, pool: own, url: urlOf(tenant) } }
  }
  return {
    pool,
    nameOf,
    at,
    plan: {
      source: postgres({ urlFrom: `URL_${pool.name}` }),
      target: postgres({ url: urlOf }),
      tenants,
    },
    async drop() {
      for (const tenant of tenants) {
        await pool.pool.query(`drop database if exists "${nameOf(tenant)}" with (force)`)
      }
    },
  }
}

test('databases that are missing are copies of the template; tenants move there and back', async () => {
  await using world = await createPlacesWorld()
  const template = await world.database()
  await makeTables({ shape: 'database', tenant: '', at: template })
  const silos = await createSilos(world, ['acme', 'bolt'], template)
  const { pool, nameOf, at } = silos
  const plan = world.use({ ...silos.plan, prepare: { like: template.name } })
  const missing =
    'there is no database with tables for tenant "acme" and 1 more: run `rehome init`, which makes it by `prepare`'
  try {
    await template.pool.end()
    const installed = await world.init()
    for (const tenant of ['acme', 'bolt']) {
      const made = `^database .*/${nameOf(tenant)} at the target, like "${template.name}"$`
      expect(installed).toContainEqual(expect.stringMatching(made))
    }
    expect(await world.init()).toEqual([])
    expect(await world.rehome.check(plan)).toEqual([])
    const acme: Spot = { shape: 'column', tenant: 'acme', at: pool }
    const rows = await rowsAt(acme)
    await world.move('acme')
    const there = at('acme')
    expect(await rowsAt(there)).toEqual(rows)
    expect(await tryWrite(there)).toBe('accepted')
    const back = await world.carry('acme', (id) =>
      world.rehome.rollback(id, { tenants: ['acme'], discardWrites: true }),
    )
    expect(back).toMatchObject({ phase: 'rolled_back', error_message: null })
    expect(await tryWrite(there)).toBe('25006 rehome:fenced')
    await there.at.pool.end()

    await silos.drop()
    expect(await world.rehome.check(plan)).toEqual([{ where: 'target', message: missing }])
    const move = world.rehome.enqueue(plan, { tenants: ['bolt'] })
    await expect(move).rejects.toMatchObject({ code: 'PREFLIGHT_FAILED' })
    world.use({ ...silos.plan, prepare: { like: 'no_such_template' } })
    await expect(world.init()).rejects.toMatchObject({
      code: 'PREFLIGHT_FAILED',
      message: expect.stringMatching(
        /^creating the target's database .* like "no_such_template": .*has to name a database/,
      ),
    })
    for (const tenant of ['bolt', 'a+b@c:1']) {
      const prepare = { like: nameOf(tenant) }
      const self = world.use({ ...silos.plan, tenants: [tenant], prepare })
      const message = `is also the database of tenant "${tenant}" at the target`
      await expect(world.rehome.check(self)).rejects.toMatchObject({
        code: 'PLAN_INVALID',
        message: expect.stringContaining(message),
      })
    }
  } finally {
    await silos.drop()
  }
})

test("a plan's function makes databases or their tables, in one transaction each", async () => {
  await using world = await createPlacesWorld()
  const server = await world.database()
  const silos = await createSilos(world, ['acme', 'bolt'], server)
  const { pool, nameOf, at } = silos
  const tables = `create table customers (id bigint primary key, name text not null);
    create table orders (id bigint primary key, customer_id bigint not null references customers,
      total numeric(12, 2));
    create table order_lines (order_id bigint not null references orders on delete cascade,
      line int not null, words text, primary key (order_id, line))`
  const seen: unknown[] = []
  const fails = { on: true }
  const prepare = async ({ sql, ...of }: Preparing) => {
    seen.push(of)
    if (of.tenant === 'bolt') await pool.pool.query(`create database "${of.database}"`)
    await sql(tables)
    if (fails.on) throw new Error('it is too late')
  }
  try {
    // One of them is there, and has no tables.
    await pool.pool.query(`create database "${nameOf('acme')}"`)
    world.use({ ...silos.plan, prepare })
    const database = nameOf('acme')
    await expect(world.init()).rejects.toMatchObject({
      code: 'PREFLIGHT_FAILED',
      message: `the plan's \`prepare\` for database "${database}": it is too late`,
    })
    fails.on = false
    const installed = await world.init()
    const made = `^database .*/${nameOf('bolt')} at the target, by the plan's .prepare.$`
    expect(installed).toContainEqual(expect.stringMatching(made))
    expect(seen[0]).toEqual({
      tenant: 'acme',
      schema: 'public',
      quotedSchema: '"public"',
      database,
    })
    expect(seen.map((of) => Object(of).tenant)).toEqual(['acme', 'acme', 'bolt'])
    expect(await world.init()).toEqual([])
    const rows = await rowsAt({ shape: 'column', tenant: 'bolt', at: pool })
    await world.move('bolt')
    const there = at('bolt')
    expect(await rowsAt(there)).toEqual(rows)
    await there.at.pool.end()

    await silos.drop()
    world.use({ ...silos.plan, prepare: async ({ sql }) => await sql('select 1') })
    await expect(world.init()).rejects.toMatchObject({
      code: 'ACCESS_DENIED',
      message: expect.stringMatching(`database "${database}" does not exist`),
    })
    await pool.pool.query(`create database "${database}"`)
    await expect(world.init()).rejects.toMatchObject({
      code: 'PREFLIGHT_FAILED',
      message: `the plan's \`prepare\` for database "${database}" has made no table in schema "public"`,
    })
  } finally {
    await silos.drop()
  }
})

test('two that prepare at once make a database one after the other', async () => {
  await using world = await createPlacesWorld()
  const server = await world.database()
  const silos = await createSilos(world, ['acme'], server)
  const made: string[] = []
  const prepare = async ({ sql, tenant, database }: Preparing) => {
    made.push(tenant)
    await silos.pool.pool.query(`create database "${database}"`)
    await sql('create table customers (id bigint primary key)')
  }
  const plan = checkPlan(world.use({ ...silos.plan, prepare }))
  const ends = openEnds(plan, world.environment)
  try {
    const lacking = [{ end: 'target', tenants: ['acme'] }] as const
    const list = () => preparableSchemas({ plan, ends }, lacking, world.control.pool)
    const both = [...(await list()), ...(await list())]
    expect(both).toHaveLength(2)
    await Promise.all(both.map(({ create }) => create()))
    expect(made).toEqual(['acme'])
  } finally {
    await closeEnds(ends)
    await silos.drop()
  }
})

// A tenant moves online while it writes, between a schema of its own and shared tables or another
// schema, and comes back with what it has written since. What it has is compared by queries of the
// test's own.
import { setTimeout as delay } from 'node:timers/promises'
import type pg from 'pg'
import { expect, test } from 'vitest'
import { partOf } from '../helpers/rotation.ts'
import { createShapesWorld, type Shape, type ShapesWorld } from '../helpers/schemas/shapes.ts'

const tables = ['customers', 'orders', 'order_lines', 'visits']

/** The tenant's rows in such a database, as both shapes have them. */
async function rowsOf(pool: pg.Pool, shape: Shape, tenant: string): Promise<string[]> {
  const ofShared = (table: string) =>
    table === 'order_lines'
      ? 'where r.order_id in (select id from public.orders where tenant_id = $1)'
      : 'where r.tenant_id = $1'
  const queries = tables.map((table) => {
    const [schema, where] =
      shape === 'schema' ? [`tenant_${tenant}`, 'where $1 <> $2'] : ['public', ofShared(table)]
    return `select '${table} ' || (to_jsonb(r) - 'tenant_id')::text as row
      from ${schema}.${table} r ${where} and $2 = ''`
  })
  const { rows } = await pool.query(queries.join(' union all '), [tenant, ''])
  return rows.map(({ row }) => row).sort()
}

interface Writer extends AsyncDisposable {
  /** Ids of orders whose insert was acknowledged, and that were not taken away since. */
  readonly ids: ReadonlySet<number>
  /** Orders that were inserted. */
  readonly orders: number
  /** Resolves when it has written so many times more. */
  wrote(times: number): Promise<void>
}

/**
 * Writes for acme until it is refused, one statement after the other: rows come and change, get
 * other keys, go with their parents, and become another tenant's with them.
 */
function writeOn(pool: pg.Pool, shape: Shape, first: number): Writer {
  const [to, own, value] =
    shape === 'schema' ? ['tenant_acme', '', ''] : ['public', 'tenant_id, ', `'acme', `]
  const ids = new Set<number>()
  const waiting: { at: number; resolve: () => void }[] = []
  let stopped = false
  let orders = 0
  const gone = async (id: number, text: string) => {
    ids.delete(id)
    await pool.query(text)
  }
  const one = async (id: number) => {
    await pool.query(
      `insert into ${to}.orders (${own}id, customer_id, total) values (${value}${id}, 1001, 1)`,
    )
    ids.add(id)
    orders += 1
    await pool.query(`insert into ${to}.order_lines values (${id}, 1, 'new'), (${id}, 2, 'new')`)
    const many = shape === 'schema' ? '' : `tenant_id = 'acme' and`
    await pool.query(`update ${to}.customers set name = name || '.' where ${many} id % 3 = 0`)
    await gone(id - 3, `delete from ${to}.orders where id = ${id - 3} and id % 2 = 0`)
    if (id % 2 === 0) return
    await pool.query(`delete from ${to}.order_lines where order_id = ${id - 4}`)
    await pool.query(`update ${to}.orders set id = id + 100000 where id = ${id - 4}`)
    if (shape === 'schema') return
    await gone(
      id - 2,
      `update public.orders set tenant_id = 'bystander', customer_id = 2001
        where id = ${id - 2} and id % 3 = 0`,
    )
  }
  const done = (async () => {
    for (let id = first; !stopped; id += 1) {
      await one(id).catch((error: { code: string }) => {
        if (error.code !== '25006') throw error
        stopped = true
      })
      for (const { at, resolve } of waiting) if (stopped || orders >= at) resolve()
      await delay(3)
    }
  })()
  done.catch(() => {})
  return {
    ids,
    get orders() {
      return orders
    },
    wrote: (times) =>
      Promise.race([
        done,
        new Promise<void>((resolve) => {
          waiting.push({ at: orders + times, resolve })
        }),
      ]),
    async [Symbol.asyncDispose]() {
      stopped = true
      await done
    },
  }
}

const at = ({ source, target }: ShapesWorld, shapes: readonly [Shape, Shape]) => ({
  source: (tenant: string) => rowsOf(source.pool, shapes[0], tenant),
  target: (tenant: string) => rowsOf(target.pool, shapes[1], tenant),
})

const journeys: readonly (readonly [Shape, Shape])[] = [
  ['schema', 'schema'],
  ['column', 'schema'],
  ['schema', 'column'],
]

test.each(partOf(journeys, 3))(
  'a tenant that writes moves online from its %s to a %s, and back with its writes',
  async (from, to) => {
    const shapes = { source: from, target: to }
    await using world = await createShapesWorld({
      shapes,
      tenants: ['acme', 'bystander'],
      plan: { strategy: 'online', pause: { budgetMs: 60_000 } },
    })
    const rows = at(world, [from, to])
    expect(await world.rehome.check(world.plan())).toEqual([])
    expect(await world.rehome.oneWayTables(world.plan())).toEqual([])

    await using writer = writeOn(world.source.pool, from, 1100)
    const { runId } = await world.move('acme')
    expect(writer.orders).toBeGreaterThan(3)
    expect(await rows.target('acme')).toEqual(await rows.source('acme'))
    const others = await rows.source('bystander')
    const truncated = world.target.pool.query(
      `truncate ${to === 'schema' ? 'tenant_acme.' : ''}order_lines`,
    )
    await expect(truncated).rejects.toMatchObject({ code: '25006' })

    if (to === 'column') {
      await world.target.pool.query(`insert into customers (tenant_id, id, name)
        values ('bystander', 2001, 'who gets orders')`)
    }
    await using there = writeOn(world.target.pool, to, 1500)
    await there.wrote(8)
    const ask = () => world.rehome.rollback(runId, { tenants: ['acme'] })
    expect(await world.carry('acme', ask)).toMatchObject({
      error_message: null,
      phase: 'rolled_back',
    })
    const returned = await rows.source('acme')
    expect(returned).toEqual(await rows.target('acme'))
    const orders = new Set(
      returned
        .filter((row) => row.startsWith('orders '))
        .map((row) => JSON.parse(row.slice('orders '.length)).id % 100_000),
    )
    for (const id of [...writer.ids, ...there.ids]) expect(orders).toContain(id)
    expect(await rows.source('bystander')).toEqual(others)

    await world.move('acme')
    expect(await rows.target('acme')).toEqual(returned)
  },
)

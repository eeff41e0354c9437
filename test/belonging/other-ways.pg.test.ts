// Rows that find their tenant by a column at one end, and through a parent at the other.
import { expect, test } from 'vitest'
import { table } from '../../src/plan/plan.ts'
import { hearing, openAttempts } from '../helpers/attempts.ts'
import { type Application, createApplication, travel } from '../helpers/moves/journey.ts'

/** Orders are replaced by others of the same number, and what refers to them is not touched. */
const orders: Application = {
  schema: `
    create table orders (id int primary key, tenant_id text not null, note text);
    create table lines (id int primary key, tenant_id text not null,
      order_id int not null references orders deferrable initially deferred, words text);
    create table payments (id int primary key, tenant_id text not null,
      order_id int not null references orders deferrable initially deferred);
    create table refunds (id int primary key, payment_id int not null references payments);
    create index on lines (order_id);
    create index on payments (order_id)`,
  seed: `
    insert into orders select g, case when g % 3 = 0 then 'beta' else 'acme' end from generate_series(1, 9) g;
    insert into lines select 10 * id + n, tenant_id, id, 'line' from orders, generate_series(1, 2) n;
    insert into payments select id, tenant_id, id from orders;
    insert into refunds select id, id from payments`,
  tables: [
    table('orders'),
    table('lines', { targetThrough: 'order_id' }),
    table('payments', { through: 'order_id', targetTenant: 'tenant_id' }),
    table('refunds', { through: 'payment_id' }),
  ],
  write(i) {
    const id = 1_000 + 10 * i
    return [
      `insert into orders values (${id}, 'acme', 'new')`,
      `insert into lines values (${id}, 'acme', ${id}, 'a'), (${id + 1}, 'acme', 1, 'b')`,
      `insert into payments values (${id}, 'acme', ${id})`,
      `insert into refunds values (${id}, ${id})`,
      `delete from orders where id in (2, ${id - 10})`,
      `insert into orders select id, 'acme', 'again ${i}' from unnest(array[2, ${id - 10}]) id
        where ${i} > 0 or id = 2`,
      `update lines set words = words || '.' where id in (11, ${id - 20})`,
      ...(i % 3 === 2 ? [`update lines set order_id = 4 where id = ${id - 9}`] : []),
      ...(i % 4 === 3
        ? [
            `delete from refunds where id = ${id - 30}`,
            `delete from payments where id = ${id - 30}`,
            `delete from lines where order_id = ${id - 30}`,
            `delete from orders where id = ${id - 30}`,
          ]
        : []),
    ]
  },
}

test('rows with a column at one end and a parent at the other move and come back', async () => {
  await travel(orders)
})

const loose: Application = {
  schema: `
    create table orders (id int primary key, tenant_id text not null);
    create table lines (id int primary key, tenant_id text not null, order_id int not null);
    create index on lines (order_id)`,
  seed: `
    insert into orders values (1, 'acme'), (2, 'acme');
    insert into lines values (1, 'acme', 1), (2, 'acme', 2)`,
  tables: [table('orders'), table('lines', { targetThrough: { order_id: 'orders.id' } })],
  write: () => [],
}

test('a parent that goes from below rows which need it at the target alone ends the move', async () => {
  await using world = await createApplication(loose)
  await world.rehome.enqueue(world.plan(), { tenants: ['acme'] })
  await using attempts = openAttempts(world)
  let going: Promise<unknown> | undefined
  // All was compared by then, and the last rounds are to come.
  using _ = hearing('acme', ({ phase }) => {
    if (phase === 'verify') going ??= world.source.pool.query('delete from orders where id = 2')
  })
  const outcome = await attempts.try('acme')
  await going
  expect(outcome).toMatchObject({
    kind: 'failed',
    error: { code: 'FOREIGN_KEY_BROKEN', message: expect.stringContaining('order_id') },
  })
})

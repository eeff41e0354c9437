// Tables that find their tenant over several parents, by declared keys.
import { test } from 'vitest'
import { table } from '../../src/plan/plan.ts'
import { travel } from '../helpers/moves/journey.ts'

const chain = {
  schema: `
    create table queues (id bigint primary key, tenant_id text not null);
    create table jobs (id bigint primary key,
      queue_id bigint not null references queues on delete cascade);
    create table steps (job_id bigint references jobs on delete cascade, step int,
      primary key (job_id, step));
    create table lines (id bigint primary key, job_id bigint not null, step int not null,
      foreign key (job_id, step) references steps on delete cascade)`,
  seed: `
    insert into queues values (1, 'acme'), (2, 'beta');
    insert into jobs select g, 1 + g % 2 from generate_series(1, 40) g;
    insert into steps select g, 1 from generate_series(1, 40) g;
    insert into lines select g, g, 1 from generate_series(1, 40) g`,
  tables: [
    table('queues'),
    table('jobs', { through: 'queue_id' }),
    table('steps', { through: 'job_id' }),
    table('lines', { through: ['job_id', 'step'] }),
  ],
}

test('a row that goes to a new parent takes its children along', async () => {
  await travel({
    ...chain,
    write: (i) => [
      `insert into queues values (${100 + i}, 'acme')`,
      `update jobs set queue_id = ${100 + i} where id = ${2 + 2 * (i % 20)}`,
    ],
  })
})

test('a row that goes with a parent to which it has just gone takes its children along', async () => {
  await travel({
    ...chain,
    write: (i) => [
      `insert into jobs values (${1_000 + i}, 1)`,
      `insert into steps values (${1_000 + i}, 1)`,
      `insert into lines values (${1_000 + i}, ${1_000 + i}, 1)`,
      `insert into queues values (${1_000 + i}, 'acme')`,
      `update jobs set queue_id = ${1_000 + i} where id in (${2 * i}, ${1_000 + i - 4})`,
      `delete from queues where id = ${1_000 + i}`,
    ],
  })
})

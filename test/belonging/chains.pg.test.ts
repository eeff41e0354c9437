// Tables that find their tenant over several parents, by declared keys.
import { test } from 'vitest'
import { table } from '../../src/plan/plan.ts'
import { travel } from '../helpers/journey.ts'

test('a row that goes to a new parent takes its children along', async () => {
  await travel({
    schema: `
      create table queues (id bigint primary key, tenant_id text not null);
      create table jobs (id bigint primary key, queue_id bigint not null references queues);
      create table steps (job_id bigint references jobs, step int, primary key (job_id, step));
      create table lines (id bigint primary key, job_id bigint not null, step int not null,
        foreign key (job_id, step) references steps)`,
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
    write: (i) => [
      `insert into queues values (${100 + i}, 'acme')`,
      `update jobs set queue_id = ${100 + i} where id = ${2 + 2 * (i % 20)}`,
    ],
  })
})

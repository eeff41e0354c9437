// References that no foreign key says: the plan does, and all that follows keys follows them.
import { test } from 'vitest'
import { table } from '../../src/plan/plan.ts'
import { type Application, travel } from '../helpers/moves/journey.ts'

const jobsOf = (queue: number) => `select id from jobs where queue_id = ${queue}`

/** A task engine: no table has a foreign key, and rows come in any order. */
const engine: Application = {
  schema: `
    create table queues (id bigint primary key, tenant_id text not null, name text);
    create table jobs (id bigint primary key, queue_id bigint not null, state text);
    create index on jobs (queue_id);
    create table job_steps (job int not null, step int not null, result text, primary key (job, step));
    create table step_logs (id bigint primary key, job_id bigint, step int, line text);
    create index on step_logs (job_id, step)`,
  seed: `
    insert into queues select g, case when g <= 6 then 'acme' else 'beta' end, 'q' || g from generate_series(1, 9) g;
    insert into jobs select g, 1 + g % 9, 'new' from generate_series(1, 90) g;
    insert into job_steps select g, s, 'ok' from generate_series(1, 90) g, generate_series(1, 2) s;
    insert into step_logs select 10 * g + s, g, s, 'line' from generate_series(1, 90) g, generate_series(1, 2) s`,
  tables: [
    table('queues'),
    table('jobs', { through: { queue_id: 'queues.id' } }),
    table('job_steps', { through: { job: 'jobs.id' } }),
    table('step_logs', { through: { job_id: 'job_steps.job', step: 'job_steps.step' } }),
  ],
  write(i) {
    const [queue, job] = [1_000 + i, 10_000 + i]
    const some = 10_000 + Math.max(0, i - 3)
    return [
      // Children before their parents.
      `insert into step_logs values (${100_000 + i}, ${job}, 1, 'early')`,
      `insert into job_steps values (${job}, 1, 'first')`,
      `insert into jobs values (${job}, ${queue}, 'new')`,
      `insert into queues values (${queue}, 'acme', 'queue ${i}')`,
      `update jobs set state = 'done' where id = ${some}`,
      ...(i % 4 === 3 ? [`update jobs set queue_id = ${queue} where id = ${some}`] : []),
      // Nothing cascades.
      ...(i % 5 === 4
        ? [
            `delete from queues where id = ${queue - 4}`,
            `delete from step_logs where job_id in (${jobsOf(queue - 4)})`,
            `delete from job_steps where job in (${jobsOf(queue - 4)})`,
            `delete from jobs where queue_id = ${queue - 4}`,
          ]
        : []),
    ]
  },
}

test('a tenant moves, comes back and moves again by references without keys', async () => {
  await travel(engine)
})

/** Parents go and leave their children: these have no tenant from then on, wherever they are. */
const careless: Application = {
  ...engine,
  tables: [
    table('queues'),
    table('jobs', { through: { queue_id: 'queues.id' }, nobody: 'stay' }),
    table('job_steps', { through: { job: 'jobs.id' }, nobody: 'stay' }),
    table('step_logs', {
      through: { job_id: 'job_steps.job', step: 'job_steps.step' },
      nobody: 'stay',
    }),
  ],
  // Rows without a tenant stay where they are: the application finds none at another home.
  write: (i) => [
    ...engine
      .write(i)
      .filter((statement) => !statement.startsWith('delete'))
      .map((statement) =>
        statement.startsWith('update')
          ? `${statement} and queue_id in (select id from queues)`
          : statement,
      ),
    ...(i % 3 === 2 ? [`delete from queues where id = ${1_000 + i - 2}`] : []),
    ...(i % 7 === 6
      ? [`delete from jobs where id = ${10_000 + i - 4} and queue_id in (select id from queues)`]
      : []),
    `insert into step_logs values (${500_000 + i}, null, null, 'of no job')`,
  ],
}

test('rows that lose their parents are left where that happened, once', async () => {
  await travel(careless)
})

// Batch runs: a run belongs to a job or to a schedule of one, and some to neither.
import type { RealApplication } from './real-application.ts'

export const batchRuns: RealApplication = {
  tenantTable: 'teams',
  tenant: 'a',
  schema: [
    `create table teams (id text primary key)`,
    `create table jobs (id int primary key, team_id text not null references teams)`,
    `create table schedules (id int primary key, job_id int not null references jobs)`,
    `create table runs (id int primary key, job_id int references jobs,
      schedule_id int references schedules, result text)`,
    `create table run_logs (run_id int not null references runs, no int, line text,
      primary key (run_id, no))`,
    `create index on runs (job_id)`,
    `create index on runs (schedule_id)`,
  ],
  seed: `
    insert into teams values ('a'), ('b');
    insert into jobs values (1, 'a'), (2, 'b'), (3, 'a');
    insert into schedules values (1, 1), (2, 2);
    insert into runs values (1, 1, null, 'a'), (2, null, 1, 'b'), (3, 2, null, 'c'),
      (4, null, 2, 'd'), (5, null, null, 'of none'), (6, 1, 1, 'of both');
    insert into run_logs select id, 1, 'line' from runs where id <> 5`,
  // Rows of none are no tenant's.
  decisions: [
    [
      `through: anyOf('job_id', 'schedule_id')`,
      `through: anyOf('job_id', 'schedule_id'), nobody: 'stay'`,
    ],
  ],
  lines: [`table('runs', { through: anyOf('job_id', 'schedule_id')`],
  write(i) {
    const id = 1_000 + 10 * i
    return [
      `insert into jobs values (${id}, 'a')`,
      `insert into schedules values (${id}, ${id})`,
      `insert into runs values (${id}, null, ${id}, 'new'), (${id + 1}, ${id}, null, 'new')`,
      `insert into run_logs values (${id}, 1, 'first'), (${id + 1}, 1, 'first'), (2, ${id}, 'more')`,
      `update runs set result = result || '.' where id in (1, 2, 6, ${id - 9})`,
      ...(i % 3 === 2
        ? [`update runs set job_id = null, schedule_id = 1 where id = ${id - 19}`]
        : []),
      ...(i % 4 === 3
        ? [
            `delete from run_logs where run_id = ${id - 10}`,
            `delete from runs where id = ${id - 10}`,
          ]
        : []),
    ]
  },
}

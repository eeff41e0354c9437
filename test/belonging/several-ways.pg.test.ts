// Rows that belong to a tenant by one of several ways: threads, lines of one of two parents, and
// rows whose type names the table that they refer to.
import { expect, test } from 'vitest'
import { table } from '../../src/plan/plan.ts'
import { sql } from '../../src/plan/sql-text.ts'
import { anyOf } from '../../src/plan/through.ts'
import { type Application, createApplication, travel } from '../helpers/moves/journey.ts'
import { partOf } from '../helpers/rotation.ts'
import { ended } from '../helpers/runs.ts'

/** Replies know only the comment above them. */
const threads: Application = {
  schema: `
    create table posts (id bigint primary key, tenant_id text not null);
    create table comments (id bigint primary key, post_id bigint references posts on delete cascade,
      parent_id bigint references comments on delete cascade, body text);
    create index on comments (post_id);
    create index on comments (parent_id);
    create table likes (comment_id bigint references comments on delete cascade, who int,
      primary key (comment_id, who))`,
  seed: `
    insert into posts select g, case when g % 3 = 0 then 'beta' else 'acme' end from generate_series(1, 9) g;
    insert into comments select g, g, null, 'root' from generate_series(1, 9) g;
    insert into comments select 10 + g, null, g, 'reply' from generate_series(1, 9) g;
    insert into comments select 20 + g, null, 10 + g, 'deep' from generate_series(1, 9) g;
    insert into likes select id, 1 from comments`,
  tables: [
    table('posts'),
    table('comments', { through: anyOf('post_id', 'parent_id') }),
    table('likes', { through: 'comment_id' }),
  ],
  write(i) {
    const id = 1_000 + 10 * i
    return [
      `insert into posts values (${id}, 'acme')`,
      `insert into comments values (${id}, ${id}, null, 'root'), (${id + 1}, null, ${id}, 'reply'),
        (${id + 2}, null, ${id + 1}, 'deep')`,
      `insert into likes values (${id + 2}, 2)`,
      `update comments set body = body || '.' where id in (24, ${id - 29})`,
      // A branch goes to another post, and comes below a row that is new.
      ...(i % 3 === 1
        ? [`update comments set parent_id = ${id + 1} where id in (11, ${id - 9})`]
        : []),
      ...(i % 4 === 3 ? [`delete from posts where id = ${id - 20}`] : []),
    ]
  },
}

/** A run belongs to a job or to a schedule, some of them to none. */
const batches: Application = {
  schema: `
    create table jobs (id int primary key, tenant_id text not null);
    create table schedules (id int primary key, job_id int not null references jobs);
    create table runs (id int primary key, job_id int references jobs, schedule int, result text);
    create index on runs (schedule)`,
  seed: `
    insert into jobs values (1, 'acme'), (2, 'beta');
    insert into schedules values (1, 1), (2, 2);
    insert into runs values (1, 1, null, 'a'), (2, null, 1, 'b'), (3, 2, null, 'c'), (4, null, 2, 'd'),
      (5, null, null, 'of none'), (6, 1, 1, 'of both')`,
  tables: [
    table('jobs'),
    table('schedules', { through: 'job_id' }),
    table('runs', { through: anyOf('job_id', { schedule: 'schedules.id' }), nobody: 'stay' }),
  ],
  write: (i) => [
    `insert into jobs values (${100 + i}, 'acme')`,
    `insert into runs values (${1_000 + 2 * i}, null, ${100 + i}, 'early'), (${1_001 + 2 * i}, ${100 + i}, null, '')`,
    `insert into schedules values (${100 + i}, ${100 + i})`,
    `update runs set job_id = null, schedule = ${100 + i} where id = ${1_001 + 2 * i - 6}`,
    `update runs set result = result || '.' where id in (1, 2, 6)`,
  ],
}

const ofType = (type: string, to: string) => ({
  ...{ subject_id: to, when: sql`r.subject_type = ${type}` },
})

/** Rows as Rails writes them: comments on comments, and attachments of any of these. */
const polymorphic: Application = {
  schema: `
    create table posts (id bigint primary key, tenant_id text not null);
    create table tasks (id bigint primary key, post_id bigint not null references posts);
    create table comments (id bigint primary key, subject_type text not null, subject_id bigint, body text);
    create table attachments (id bigint primary key, subject_type text not null, subject_id bigint);
    create index on comments (subject_id, subject_type);
    create index on attachments (subject_id)`,
  seed: `
    insert into posts select g, case when g % 2 = 0 then 'beta' else 'acme' end from generate_series(1, 8) g;
    insert into tasks select g, g from generate_series(1, 8) g;
    insert into comments select g, 'Post', g, 'p' from generate_series(1, 8) g;
    insert into comments select 10 + g, 'Task', g, 't' from generate_series(1, 8) g;
    insert into comments select 20 + g, 'Comment', 10 + g, 'c' from generate_series(1, 8) g;
    insert into attachments select g, 'Comment', g from comments c, generate_series(c.id, c.id) g;
    insert into attachments select 100 + g, 'Task', g from generate_series(1, 8) g`,
  tables: [
    table('posts'),
    table('tasks', { through: 'post_id' }),
    table('comments', {
      through: [
        ofType('Post', 'posts.id'),
        ofType('Task', 'tasks.id'),
        ofType('Comment', 'comments.id'),
      ],
    }),
    table('attachments', {
      through: [ofType('Task', 'tasks.id'), ofType('Comment', 'comments.id')],
    }),
  ],
  write(i) {
    const id = 1_000 + 10 * i
    return [
      `insert into posts values (${id}, 'acme')`,
      `insert into comments values (${id}, 'Comment', ${id + 1}, 'early'), (${id + 1}, 'Task', ${id}, '')`,
      `insert into tasks values (${id}, ${id})`,
      `insert into attachments values (${id}, 'Comment', ${id}), (${id + 1}, 'Task', ${id})`,
      `update comments set subject_type = 'Post', subject_id = ${id} where id in (11, ${id - 29})`,
      ...(i % 4 === 3
        ? [
            `delete from attachments where subject_id = ${id - 20}`,
            `delete from comments where id = ${id - 20}`,
          ]
        : []),
    ]
  },
}

const journeys: readonly (readonly [string, Application])[] = [
  ['threads move with their replies at any depth, and come back', threads],
  ['rows with one of two parents move, and rows with none stay', batches],
  ['rows whose type names their parent move with it, and come back', polymorphic],
]

// One of them with each commit.
test.each(partOf(journeys, 3))('%s', async (_, application) => await travel(application))

test('a type that no rule names is a finding with its count', async () => {
  await using world = await createApplication({
    ...polymorphic,
    seed: `${polymorphic.seed}; insert into attachments values (500, 'Event', 1), (501, 'Event', 2)`,
  })
  expect(await world.rehome.check(world.plan())).toEqual([
    {
      where: 'table "attachments"',
      message: expect.stringContaining('2 rows have no tenant (subject_type Event: 2)'),
    },
  ])
})

test('a row of two tenants ends the move before anything is touched, named by its keys', async () => {
  await using world = await createApplication(threads)
  await world.source.pool.query('update comments set post_id = 3 where id = 21')
  await world.work()
  const { runId } = await world.rehome.enqueue(world.plan(), { tenants: ['acme'] })
  const move = (await ended(world, runId)).get('acme')
  expect([move?.error_code, move?.error_message]).toEqual([
    'ROWS_LEFT_BEHIND',
    expect.stringContaining(
      '"comments": 1 rows belong to several tenants, by "post_id and parent_id", e.g. (21)',
    ),
  ])
})

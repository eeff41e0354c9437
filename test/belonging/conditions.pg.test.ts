// Conditions by which rows go one of several ways: they mean the same in every session, or are
// findings; and rows that they lead nowhere are counted, also in a circle.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { referenceFindings } from '../../src/checks/reference-findings.ts'
import { findWithoutTenant } from '../../src/ends/postgres/catalog/rows-without-tenant.ts'
import { findUnsteadyConditions } from '../../src/ends/postgres/catalog/way-conditions.ts'
import { table } from '../../src/plan/plan.ts'
import { sql } from '../../src/plan/sql-text.ts'
import { anyOf } from '../../src/plan/through.ts'
import { planOf, route } from '../helpers/catalog.ts'
import { createDatabase, type TestDatabase } from '../helpers/database.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await createDatabase()
  await db.pool.query(`
    create extension citext;
    create type kind as enum ('Post', 'Event');
    create domain label as text;
    create function is_post(text) returns bool language sql immutable as $$ select $1 = 'Post' $$;
    create table posts (id int8 primary key, tenant_id text not null);
    create table marks (id int8 primary key, post int8, plain text, loose citext, kind kind,
      label label, at timestamptz, many text[]);
    create table comments (id int8 primary key, post int8, above int8);
    insert into posts values (1, 'acme');
    insert into marks values (1, 1, null), (2, 1, 'Post'), (3, 99, 'Post');
    insert into comments values (1, 1, null), (2, null, 1), (3, null, 4), (4, null, 3),
      (5, null, 3), (6, null, null), (7, 99, null)`)
})
afterAll(() => db.drop())

const posts = { id: 'int8 key', tenant_id: 'text not-null' }
const marks = { id: 'int8 key', post: 'int8', plain: 'text' }
const comments = { id: 'int8 key', post: 'int8', above: 'int8' }

const marksWhen = (when: ReturnType<typeof sql>) =>
  planOf([table('posts'), table('marks', { through: [{ post: 'posts.id', when }] })])

const sourcesOf = (plan: ReturnType<typeof planOf>) =>
  route(plan, { posts, marks, comments }).sources

test.each([
  [sql`r.plain = 'Post'`, null],
  [sql`r.kind = 'Post'`, null],
  [sql`r.label like 'P%' and r.many[1] is null`, null],
  [sql`r.at > '2020-01-01'`, /type timestamp with time zone, whose texts depend on settings/],
  [sql`r.at > now()`, /not IMMUTABLE/],
  [sql`r.post in (select id from public.posts)`, /reads more than its row/],
  [sql`r.loose = 'Post'`, /type .*citext, which is not of PostgreSQL/],
  [sql`public.is_post(r.plain)`, /is_post.*, which is not of PostgreSQL/],
])('%j is steady, or a finding', async (when, why) => {
  const tables = sourcesOf(marksWhen(when))
  const found = await findUnsteadyConditions(db.pool, { schema: 'public', tables })
  if (why === null) expect(found).toEqual([])
  else
    expect(found).toEqual([
      { table: 'marks', condition: when.sql, why: expect.stringMatching(why) },
    ])
})

test('rows of no tenant are counted, also where a condition is null, and in a circle', async () => {
  const plan = planOf([
    table('posts'),
    table('marks', { through: [{ post: 'posts.id', when: sql`r.plain = 'Post'` }] }),
    table('comments', { through: anyOf({ post: 'posts.id' }, { above: 'comments.id' }) }),
  ])
  const tables = sourcesOf(plan)
  expect(await findWithoutTenant(db.pool, { schema: 'public', tables })).toMatchObject([
    { table: 'marks', without: 1, loose: 1 },
    { table: 'comments', without: 1, loose: 4 },
  ])
})

test.each([
  [{ compute: { plain: sql`'Blog::' || r.plain` } }],
  [{ rename: { plain: 'sort' } }],
  [{ drop: ['plain'] }],
])('a condition over a column that %j changes needs a targetThrough', (columns) => {
  const through = [{ post: 'posts.id', when: sql`r.plain = 'Post'` }]
  const target = { posts, marks: { ...marks, sort: 'text' } }
  const findings = (more: object) => {
    const plan = planOf([table('posts'), table('marks', { through, columns, ...more })])
    return referenceFindings({ routing: route(plan, { posts, marks }, target) }).map(
      ({ message }) => message,
    )
  }
  expect(findings({})).toEqual([expect.stringContaining('reads column "plain"')])
  expect(findings({ targetThrough: { post: 'posts.id' } })).toEqual([])
})

// What belongs to a tenant by several ways, by type, through rows of the same table, or by being
// referred to, moves offline where one end, or both, are reached over HTTP.
import { expect, test } from 'vitest'
import { type PlanInput, table } from '../../src/plan/plan.ts'
import { shared } from '../../src/plan/shared-table.ts'
import { sql } from '../../src/plan/sql-text.ts'
import { anyOf } from '../../src/plan/through.ts'
import { createHttpWorld, type HttpWorld, mixes } from '../helpers/http-world.ts'
import { partOf } from '../helpers/rotation.ts'
import { ended } from '../helpers/runs.ts'
import { wholeDatabase } from '../helpers/schemas/whole-database.ts'

const schema = `
  create table settings (id bigint primary key, theme text);
  create table projects (id bigint primary key, tenant_id text not null,
    settings_id bigint not null unique references settings);
  create table comments (id bigint primary key, project_id bigint references projects,
    parent_id bigint references comments, body text);
  create index on comments (project_id);
  create index on comments (parent_id);
  create table likes (comment_id bigint not null references comments, who int, primary key (comment_id, who));
  create table plans (id int primary key, name text not null);
  create table users (id serial primary key, email text not null unique, plan_id int references plans);
  create table members (tenant_id text not null, user_id int not null references users, primary key (tenant_id, user_id));
  create table files (id bigint primary key, owner_type text not null, owner_id bigint, name text);
  create index on files (owner_id)`

// Replies have smaller ids than what they reply to, and there are more than a page has rows.
const seed = `
  insert into tenants (id, name) values ('acme', 'Acme'), ('beta', 'Beta');
  insert into settings select g, 'light' from generate_series(1, 9) g;
  insert into projects select g, case when g % 3 = 0 then 'beta' else 'acme' end, g from generate_series(1, 9) g;
  insert into comments select 1000 + g, g, null, 'root' from generate_series(1, 9) g;
  insert into comments select 1000 - 10 * n - g, null, case when n = 0 then 1000 + g else 1010 - 10 * n - g end, 'reply'
    from generate_series(0, 4) n, generate_series(1, 9) g;
  insert into likes select id, 1 from comments;
  insert into plans values (1, 'free'), (2, 'paid');
  insert into users select g, 'user ' || g, 1 + g % 2 from generate_series(1, 30) g;
  insert into members select case when g % 5 = 0 then 'beta' else 'acme' end, g from generate_series(1, 25) g;
  insert into members values ('beta', 1);
  insert into files select id, 'Comment', id, 'c' from comments;
  insert into files select 10000 + id, 'Project', id, 'p' from projects`

const of = (type: string, to: string) => ({ owner_id: to, when: sql`r.owner_type = ${type}` })

const tables: PlanInput['tables'] = [
  table('tenants', { tenant: 'id' }),
  table('projects'),
  table('settings', { referencedBy: 'projects.settings_id' }),
  table('comments', { through: anyOf('project_id', 'parent_id') }),
  table('likes', { through: 'comment_id' }),
  table('members'),
  shared('users', { referencedBy: 'members.user_id' }),
  shared('plans', { referencedBy: 'users.plan_id' }),
  table('files', { through: [of('Project', 'projects.id'), of('Comment', 'comments.id')] }),
]

const exclude = ['notes', 'note_lines', 'visits']
const offline = { strategy: 'offline', rollback: { windowMs: 0 } } as const

async function moved(world: HttpWorld, tenant: string): Promise<string> {
  const { runId } = await world.rehome.enqueue(world.plan(), { tenants: [tenant] })
  const move = (await ended(world, runId)).get(tenant)
  expect([move?.phase, move?.error_message ?? null]).toEqual(['moved', null])
  return runId ?? ''
}

/** The application at the target knows one of the people already, and one of the plans. */
const there = `insert into plans values (1, 'free'); insert into users values (2, 'user 2', 1)`

const isEverybodys = (row: string) => /^public\.(users|plans) /.test(row)

test.each(partOf(mixes, 3))(
  'rows that belong by several ways, and shared ones, move, come back, move again and are cleaned up, with %s over HTTP',
  async (_called, over) => {
    await using world = await createHttpWorld({
      ...{ over, both: schema, source: seed, target: there, plan: { ...offline, tables, exclude } },
      serve: () => ({ exclude }),
    })
    const all = await wholeDatabase(world.source.pool)
    expect(await world.rehome.check(world.plan())).toEqual([])
    await world.work()
    const first = await moved(world, 'acme')
    await world.rehome.rollback(first, { tenants: ['acme'] })
    await ended(world, first)
    expect(await wholeDatabase(world.source.pool)).toEqual(all)
    const second = await moved(world, 'acme')
    await world.rehome.cleanup(second, { tenants: ['acme'] })
    await ended(world, second)
    const source = await wholeDatabase(world.source.pool)
    const target = await wholeDatabase(world.target.pool)
    const owned = target.filter((row) => !isEverybodys(row))
    expect([...source, ...owned].sort()).toEqual(all)
    expect(source.filter((row) => row.includes('acme'))).toEqual([])
    expect(owned.filter((row) => row.includes('beta'))).toEqual([])
    expect(owned.length).toBeGreaterThan(110)
    const people = await world.target.pool.query('select from users')
    expect(people.rowCount).toBe(20)
    expect(all).toEqual(expect.arrayContaining(target.filter(isEverybodys)))
    const next = await world.target.pool.query(
      `insert into users (email) values ('new') returning id`,
    )
    expect(next.rows[0].id).toBeGreaterThan(24)
  },
)

const wide = `${seed}; update comments set body = repeat('x', 200)`

test.each([
  [
    'before anything is closed',
    {},
    /"comments" has 36 rows of about 2\d\d bytes, which have to come/,
  ],
  [
    'before it is sent',
    { transform: (row: object) => row },
    /table "comments": rows that have to come together have more than 5000 bytes/,
  ],
])(
  'a table that has to come whole and is too large for the end is named %s',
  async (_, as, why) => {
    const own = tables.flatMap((one) => {
      if (one.kind !== 'table' || one.name === 'files') return []
      return [one.name === 'comments' ? { ...one, ...as } : one]
    })
    const left = [...exclude, 'files']
    await using world = await createHttpWorld({
      ...{ over: ['target'], both: schema, source: wide, target: there },
      plan: { ...offline, tables: own as PlanInput['tables'], exclude: left, attempts: 1 },
      serve: () => ({ exclude: left, maxBytes: 5_000 }),
    })
    await world.work()
    const { runId } = await world.rehome.enqueue(world.plan(), { tenants: ['acme'] })
    const move = (await ended(world, runId)).get('acme')
    expect([move?.phase, move?.error_code]).toEqual(['failed', 'PREFLIGHT_FAILED'])
    expect(move?.error_message).toMatch(why)
    await world.source.pool.query(`update projects set settings_id = settings_id`)
  },
)

test('an end starts without an index of a way, and a note of `check` has it', async () => {
  await using world = await createHttpWorld({
    ...{ over: ['source'], both: `${schema}; drop index files_owner_id_idx`, source: seed },
    ...{ plan: { ...offline, tables, exclude }, serve: () => ({ exclude }) },
  })
  const indexed = 'create index on files (owner_id)'
  await world.target.pool.query(indexed)
  const noted = async () => {
    const notes = await world.rehome.notes(world.plan())
    return notes.filter(({ message }) => message.startsWith('no index begins with'))
  }
  expect(await noted()).toEqual([
    {
      where: 'source table "files"',
      message: expect.stringContaining('`create index on "public"."files" ("owner_id")`'),
    },
  ])
  await world.source.pool.query(indexed)
  expect(await noted()).toEqual([])
})

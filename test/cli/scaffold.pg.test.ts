// `rehome scaffold` on schemas of five shapes: the plan that it prints names every table, and
// `rehome check` accepts it as it is.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { PlanInput } from '../../src/plan/plan.ts'
import { rehome } from '../helpers/command.ts'
import { createWorld, installPlans, type World } from '../helpers/world.ts'

const schemas = {
  everywhere: `
    create table organizations (id uuid primary key, name text);
    create table projects (id bigint primary key, organization_id uuid not null references organizations);
    create table events (organization_id uuid not null, day date not null, n int,
      primary key (organization_id, day)) partition by range (day);
    create table events_2026 partition of events for values from ('2026-01-01') to ('2027-01-01');
    create table tags (organization_id uuid not null, label text not null,
      unique (organization_id, label));
    create table schema_migrations (version text primary key);
    insert into organizations values ('00000000-0000-0000-0000-000000000001', 'one');
    insert into projects values (1, '00000000-0000-0000-0000-000000000001')`,
  chains: `
    create table workspaces (id int primary key);
    create table boards (id int primary key, workspace_id int not null references workspaces);
    create table cards (board_id int not null references boards, no int not null,
      primary key (board_id, no));
    create table checklists (id int primary key, board_id int not null, card_no int not null,
      foreign key (board_id, card_no) references cards);
    create table checklist_items (id int primary key,
      checklist_id int references checklists on delete cascade);
    insert into workspaces values (1);
    insert into boards values (1, 1);
    insert into cards values (1, 1);
    insert into checklists values (1, 1, 1);
    insert into checklist_items values (1, 1), (2, 1)`,
  either: `
    create table accounts (id text primary key);
    create table invoices (id int primary key, account_id text not null references accounts);
    create table orders (id int primary key, account_id text not null references accounts);
    create table lines (id int primary key, invoice_id int references invoices,
      order_id int references orders);
    create table line_taxes (id int primary key, line_id int not null references lines);
    insert into accounts values ('a');
    insert into invoices values (1, 'a');
    insert into orders values (1, 'a');
    insert into lines values (1, 1, null), (2, null, 1)`,
  shared: `
    create table plans (id int primary key);
    create table users (id int primary key, plan_id int references plans);
    create table sessions (id int primary key, user_id int not null references users);
    create table teams (id int primary key);
    create table memberships (team_id int not null references teams,
      user_id int not null references users, primary key (team_id, user_id));
    create table roles (id int primary key, team_id int references teams, name text not null);
    create table posts (id int primary key, team_id int not null references teams,
      author_id int references users);
    insert into teams values (1), (2);
    insert into users values (1);
    insert into memberships values (1, 1), (2, 1);
    insert into roles values (1, null, 'owner'), (2, 1, 'guest')`,
  joined: `
    create table accounts (id bigint primary key);
    create table contacts (id bigint primary key, account_id bigint references accounts);
    create table favorites (account_id bigint not null references accounts,
      contact_id bigint not null references contacts, primary key (account_id, contact_id));
    create table contact_notes (id bigint primary key,
      contact_id bigint not null references contacts);
    create table comments (id bigint primary key, commentable_type text, commentable_id bigint);
    create table users (id bigint primary key);
    create table members (account_id bigint not null references accounts,
      user_id bigint not null references users, primary key (account_id, user_id));
    insert into accounts values (1), (2);
    insert into contacts values (1, 1), (2, 2);
    insert into contact_notes values (1, 1), (2, 2);
    insert into users values (1);
    insert into members values (1, 1), (2, 1);
    insert into comments select n, 'User', 1 from generate_series(1, 10000) n;
    insert into comments values (10001, 'Contact', 1)`,
} as const
type Shape = keyof typeof schemas

const both = Object.entries(schemas).map(([name, sql]) => {
  return `create schema ${name}; set search_path = ${name}; ${sql}`
})

let world: World
let folder = ''

beforeAll(async () => {
  world = await createWorld({ both: `${both.join(';')}; set search_path = public` })
  await mkdir('.rehome', { recursive: true })
  folder = await mkdtemp(join(process.cwd(), '.rehome', 'scaffolds-'))
})

afterAll(async () => {
  await rm(folder, { recursive: true })
  await world[Symbol.asyncDispose]()
})

const ask = (...args: string[]) => rehome(args, world.environment)

async function scaffold(schema: Shape, ...options: string[]) {
  const { code, out, error } = await ask('scaffold', '--schema', schema, ...options)
  expect([code, error]).toEqual([0, ''])
  const path = join(folder, `${schema}.ts`)
  await writeFile(path, out)
  const { default: plan } = (await import(pathToFileURL(path).href)) as { default: PlanInput }
  return { text: out, path, plan }
}

const lines = (text: string, prefix: string) =>
  text.split('\n').filter((line) => line.trim().startsWith(prefix))

describe.each<[Shape, string[], string[], number]>([
  ['everywhere', ['events', 'organizations', 'projects', 'tags'], ['schema_migrations'], 0],
  ['chains', ['boards', 'cards', 'checklist_items', 'checklists', 'workspaces'], [], 0],
  ['either', ['accounts', 'invoices', 'line_taxes', 'lines', 'orders'], [], 0],
  ['shared', ['memberships', 'plans', 'posts', 'roles', 'teams', 'users'], ['sessions'], 1],
  [
    'joined',
    ['accounts', 'contact_notes', 'contacts', 'favorites', 'members', 'users'],
    ['comments'],
    1,
  ],
])('a schema of the shape "%s"', (schema, moving, staying, decisions) => {
  test('becomes a plan with all its tables, which check accepts', async () => {
    const { text, plan } = await scaffold(schema, '--target', 'TARGET_URL')
    const names = (plan.tables as readonly { name: string }[]).map(({ name }) => name).sort()
    expect([names, [...(plan.exclude ?? [])].sort()]).toEqual([moving, staying])
    expect(lines(text, '// decide')).toHaveLength(decisions)
    await installPlans(world, [plan])
    expect(await world.rehome.check(plan)).toEqual([])
  })
})

test('keys, doubts and the rows of no tenant stand in the plan', async () => {
  const everywhere = (await scaffold('everywhere')).text
  expect(everywhere).toContain(`table('tags', { key: ['organization_id', 'label'] }),`)
  const chains = (await scaffold('chains')).text
  expect(chains).toContain(`table('checklists', { through: ['board_id', 'card_no'] }),`)
  expect(chains).toMatch(/guessed: [^\n]*null[^\n]*\n {4}table\('checklist_items', \{ through/)
  const shared = (await scaffold('shared')).text
  expect(shared).toMatch(
    /guessed: [^\n]*null in 1 of 2 sampled rows\n {4}table\('roles', \{ nobody: 'stay' \}\)/,
  )
})

test('rows that a sample leaves out are a decision of a person', async () => {
  expect((await scaffold('joined')).text).toMatch(
    /decide: "commentable_id" refers to [^\n]*other types may follow[^\n]*\n {4}'comments',/,
  )
  expect((await scaffold('shared')).text).toMatch(
    /decide: "user_id" refers to "users"[^\n]*its rows stay[^\n]*\n {4}'sessions',/i,
  )
})

test('check --explain says of every table how it belongs, and how many rows one tenant has', async () => {
  const { path, plan } = await scaffold('shared')
  await installPlans(world, [plan])
  const { code, out } = await ask('check', path, '--explain')
  expect(code).toBe(0)
  expect(out).toMatch(/^4 tables move, 2 are shared, 1 stays\n.*rows of "1"/)
  expect(out).toMatch(/^memberships +moves +1 +by column "team_id"$/m)
  expect(out).toMatch(/^users +shared +\d+ +by any of: referred to by "memberships\.user_id"; /m)
  expect(out).toMatch(/^sessions +stays +excluded: "user_id" refers to "users"/m)
  const json = await ask('check', path, '--explain', '--json')
  const { explanation } = JSON.parse(json.out)
  expect([explanation.tenant, explanation.tables.length]).toEqual(['1', 7])
})

describe('scaffold refuses', () => {
  test.each([
    ['a URL in place of its variable', ['--source', 'postgres://a/b'], /--source takes the name/],
    ['a table that does not exist', ['--tenant-table', 'x'], /"x" does not exist in schema/],
    [
      'a table with a key of two columns',
      ['--tenant-table', 'visits'],
      /has no primary key of one/,
    ],
  ])('%s', async (_, options, message) => {
    const { code, out, error } = await ask('scaffold', ...options)
    expect([code, out]).toEqual([2, ''])
    expect(error).toMatch(message)
  })

  test('to guess where several tables may hold the tenants, and names them', async () => {
    await world.source.pool.query(`create schema unclear; set search_path = unclear;
      create table accounts (id int primary key); create table teams (id int primary key);
      create table notes (id int primary key, account_id int references accounts,
        team_id int references teams); set search_path = public`)
    const { code, error } = await ask('scaffold', '--schema', 'unclear')
    expect([code, error]).toEqual([2, expect.stringMatching(/"(accounts|teams)".*--tenant-table/)])
    const named = await ask('scaffold', '--schema', 'unclear', '--tenant-table', 'teams')
    expect(named.out).toContain(`table('notes'),`)
  })
})

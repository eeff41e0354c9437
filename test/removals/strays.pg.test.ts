// Rows that refer to a tenant's rows and would not move with them: the move says so before it
// touches anything, or the plan leaves them. Whole databases are compared.
import { describe, expect, test } from 'vitest'
import { type PlanInput, type TablePlan, table } from '../../src/plan/plan.ts'
import { ended, runAll } from '../helpers/runs.ts'
import { wholeDatabase } from '../helpers/schemas/whole-database.ts'
import { createWorld, type World } from '../helpers/world.ts'

const own = 'drop table visits, note_lines, notes, tenants; drop type mood;'
const tenants = table('tenants', { tenant: 'id' })

interface Shape {
  readonly tables: string
  /** Rows of `$` and of `b`, and then those that no path of the plan reaches. */
  readonly rows: string
  readonly strays: string
  readonly planned: readonly TablePlan[]
  readonly exclude?: string
  readonly says: RegExp
}

const replies: Shape = {
  tables: `create table posts (id int primary key, tenant_id text references tenants);
    create table comments (id int primary key, post_id int references posts on delete cascade,
      parent_id int references comments on delete cascade)`,
  rows: `insert into posts values (1, $), (2, 'b'); insert into comments values (1, 1), (2, 2)`,
  strays: 'insert into comments values (3, null, 1), (4, null, 3)',
  planned: [table('posts'), table('comments', { through: 'post_id', nobody: 'stay' })],
  says: /"comments": 1 rows refer by "comments_parent_id_fkey" to rows of "comments".*\(1\)/,
}

const shapes: Readonly<Record<string, Shape>> = {
  'replies that know their parent only': replies,
  'lines that belong to one of two parents': {
    tables: `create table invoices (id int primary key, tenant_id text);
      create table orders (id int primary key, tenant_id text);
      create table lines (id int primary key, invoice_id int references invoices,
        order_id int references orders, check (num_nonnulls(invoice_id, order_id) = 1))`,
    rows: `insert into invoices values (1, $), (2, 'b'); insert into orders values (1, $);
      insert into lines values (1, 1), (2, 2)`,
    strays: 'insert into lines values (3, null, 1), (4, null, 1)',
    planned: [
      table('invoices'),
      table('orders'),
      table('lines', { through: 'invoice_id', nobody: 'stay' }),
    ],
    says: /"lines": 2 rows refer by "lines_order_id_fkey" to rows of "orders"/,
  },
  'a tenant column that may be null': {
    tables: `create table projects (id int primary key, tenant_id text not null);
      create table runs (id int primary key, tenant_id text,
        project_id int not null references projects on delete cascade)`,
    rows: `insert into projects values (1, $), (2, 'b'); insert into runs values (1, $, 1)`,
    strays: 'insert into runs values (2, null, 1)',
    planned: [table('projects'), table('runs', { nobody: 'stay' })],
    says: /"runs": 1 rows refer by "runs_project_id_fkey"/,
  },
  "another tenant's row": {
    tables: `create table pages (id int primary key, tenant_id text not null,
      up int references pages)`,
    rows: `insert into pages values (1, $, null), (2, 'b', null)`,
    strays: `insert into pages values (3, 'b', 1)`,
    planned: [table('pages')],
    says: /"pages": 1 rows refer by "pages_up_fkey"/,
  },
  'a table that stays behind': {
    tables: `create table people (id int primary key, tenant_id text);
      create table audit (id int primary key, person_id int references people)`,
    rows: `insert into people values (1, $), (2, 'b'); insert into audit values (1, 2)`,
    strays: 'insert into audit values (2, 1)',
    planned: [table('people')],
    exclude: 'audit',
    says: /"audit": 1 rows stay behind .* set `exclude: \[\{ table: 'audit', leaveReferences: true/,
  },
  'one partition of a table that stays behind': {
    tables: `create table teams (id int primary key, tenant_id text);
      create table logs (id int, team_id int) partition by list (id);
      create table logs_1 partition of logs for values in (1);
      create table logs_2 partition of logs for values in (2);
      alter table logs_2 add foreign key (team_id) references teams`,
    rows: `insert into teams values (1, $), (2, 'b'); insert into logs values (1, 1), (2, 2)`,
    strays: 'insert into logs values (2, 1)',
    planned: [table('teams')],
    exclude: 'logs',
    says: /"logs": 1 rows stay behind and refer by "logs_2_team_id_fkey"/,
  },
}

/** A tenant for each shape: `t0`, `t1`, … */
async function worldOf(all: readonly Shape[], more: Partial<PlanInput> = {}): Promise<World> {
  const both = `${own} create table tenants (id text primary key);
    ${all.map(({ tables }) => tables).join(';')}`
  const rows = all.map(({ rows: text }, i) => {
    return `insert into tenants values ('t${i}'); ${text.replaceAll('$', `'t${i}'`)}`
  })
  const exclude = all.flatMap((one) => one.exclude ?? [])
  const tables = [tenants, ...all.flatMap(({ planned }) => planned)]
  const plan = { tables, exclude, attempts: 1, ...more }
  const source = `insert into tenants values ('b'); ${rows.join(';')}`
  return await createWorld({ both, source, plan })
}

const whole = async ({ source, target }: World) => ({
  source: await wholeDatabase(source.pool),
  target: await wholeDatabase(target.pool),
})

async function move(world: World, tenant: string) {
  return (await ended(world, await runAll(world, [tenant]))).get(tenant)
}

test('rows that no path of the plan finds end the move before anything is touched', async () => {
  const all = Object.entries(shapes)
  await using world = await worldOf(all.map(([, shape]) => shape))
  expect(await world.rehome.check(world.plan())).toEqual([])
  for (const [, { strays }] of all) await world.source.pool.query(strays)
  const before = await whole(world)
  await using _worker = await world.work()
  const runId = await runAll(
    world,
    all.map((_, i) => `t${i}`),
  )
  const moves = await ended(world, runId)
  for (const [i, [shape, { says }]] of all.entries()) {
    const { error_code, error_message } = moves.get(`t${i}`) ?? {}
    expect([shape, error_code, error_message]).toEqual([
      ...[shape, 'ROWS_LEFT_BEHIND', expect.stringMatching(says)],
    ])
  }
  expect(await whole(world)).toEqual(before)
})

describe('a table that the plan leaves', () => {
  const shape: Shape = {
    tables: `create table people (id int primary key, tenant_id text references tenants);
      create table audit (id int primary key, person_id int references people on delete cascade);
      create table notes (id int primary key, person_id int references people on delete set null)`,
    rows: `insert into people values (1, $), (2, 'b'); insert into audit values (1, 1), (2, 2);
      insert into notes values (1, 1), (2, 2)`,
    strays: '',
    planned: [table('people')],
    says: /never/,
  }

  test('is named by check where a removal would set off its key', async () => {
    const exclude = ['audit', 'notes']
    await using world = await worldOf([shape], { exclude })
    const found = await world.rehome.check(world.plan())
    expect(found.map(({ where }) => where)).toEqual(
      ['source', 'target'].flatMap((end) =>
        ['audit', 'notes'].map((name) => `${end} table "${name}"`),
      ),
    )
  })

  test('keeps its rows as they are, and holds up the clean-up before it begins', async () => {
    const exclude = ['audit', 'notes'].map((name) => ({ table: name, leaveReferences: true }))
    await using world = await worldOf([shape], { exclude })
    expect(await world.rehome.check(world.plan())).toEqual([])
    await using _worker = await world.work()
    const runId = await runAll(world, ['t0'])
    const moved = (await ended(world, runId)).get('t0')
    expect(moved).toMatchObject({ phase: 'moved', error_code: null })
    expect(moved?.evidence.leftBehind).toMatchObject([{ table: 'audit', rows: 1 }, { rows: 1 }])
    const before = await whole(world)
    await world.rehome.cleanup(runId, { tenants: ['t0'] })
    expect((await ended(world, runId)).get('t0')).toMatchObject({
      error_code: 'FOREIGN_KEY_BROKEN',
      error_message: expect.stringContaining('"audit" at the source: 1 rows refer'),
    })
    expect(await whole(world)).toEqual(before)
    await world.source.pool.query(`delete from audit where person_id = 1;
      update notes set person_id = null where person_id = 1`)
    const rest = (await wholeDatabase(world.source.pool)).filter(
      (row) => !/^public\.(tenants \(t0\)|people \(1,t0\))/.test(row),
    )
    await world.rehome.cleanup(runId, { tenants: ['t0'] })
    expect((await ended(world, runId)).get('t0')).toMatchObject({ phase: 'cleaned' })
    expect(await wholeDatabase(world.source.pool)).toEqual(rest)
  })
})

test('a row that comes while its tenant moves online is found under the fence', async () => {
  let world: World | null = null
  const drained = async () => {
    await world?.source.pool.query(
      'insert into comments values (3, null, 1) on conflict do nothing',
    )
  }
  const fence = { leaseMs: 3_000, drainMs: 2_000, drained }
  await using made = await worldOf([replies], {
    strategy: 'online',
    fence,
    rollback: { windowMs: 0 },
  })
  world = made
  await using _worker = await world.work()
  expect(await move(world, 't0')).toMatchObject({ phase: 'failed', error_code: 'ROWS_LEFT_BEHIND' })
  const write = `update posts set id = id where tenant_id = 't0'`
  expect((await world.source.pool.query(write)).rowCount).toBe(1)
})

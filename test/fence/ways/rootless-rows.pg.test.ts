// A move writes rows of its tenant alone: a row that its plan has left without a tenant would be
// found by no comparison and no removal, and stay at the target.
import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { postgres } from '../../../src/plan/endpoint.ts'
import { definePlan, table } from '../../../src/plan/plan.ts'
import { createDatabase, type TestDatabase } from '../../helpers/database.ts'
import { installFence } from '../../helpers/fence/install.ts'
import { codeOf } from '../../helpers/fence/writer.ts'

const plan = definePlan({
  name: 'rootless',
  source: postgres({ urlFrom: 'SOURCE_URL' }),
  target: postgres({ urlFrom: 'TARGET_URL' }),
  tenants: ['acme'],
  tables: [
    table('notes', { nobody: 'stay' }),
    table('lines', { through: 'note', nobody: 'stay' }),
    table('parts', { through: ['org', 'no'], nobody: 'stay' }),
    table('visits', { nobody: 'stay' }),
  ],
})

const schema = `
  create table notes (id int primary key, tenant_id text, org int, no int, unique (org, no));
  create table lines (id int primary key, note int references notes);
  create table parts (id int primary key, org int not null, no int,
    foreign key (org, no) references notes (org, no));
  create table visits (day int, tenant_id text) partition by list (day);
  create table visits_1 partition of visits for values in (1);
  insert into notes values (1, 'acme', 1, 1), (2, 'beta', 1, 2)`

/** In one transaction of the move that has closed the tenant here. */
async function asMover({ pool }: TestDatabase, statements: string): Promise<void> {
  await pool.query(`begin; set local session_replication_role = replica;
    select set_config('rehome.token', token::text, true) from rehome.tenant_flags;
    ${statements}; commit`)
}

test('a move may write no row of no tenant, and the application may', async () => {
  await using db = await createDatabase()
  await db.pool.query(schema)
  await installFence(db.url, { plan })
  await db.pool.query(
    `insert into rehome.tenant_flags (scope, tenant_id, mode, token, epoch, move_id, reason,
      retry_after_s) values ('default', 'acme', 'receiving', $1, $1, $1, 'test', 1)`,
    [randomUUID()],
  )
  const nobodys = [
    `insert into notes values (10, null)`,
    `insert into notes values (11, 'acme'), (12, null)`,
    `update notes set tenant_id = null where id = 1`,
    'insert into lines values (10, null)',
    'insert into lines values (11, 1), (12, null)',
    'insert into parts values (10, 1, null)',
    'insert into visits values (1, null)',
    'insert into visits_1 values (1, null)',
  ]
  for (const write of nobodys) {
    expect([write, await codeOf(asMover(db, write))]).toEqual([write, '23514'])
  }
  for (const write of [
    `insert into notes values (20, 'acme'); insert into lines values (20, 20)`,
    `insert into visits values (1, 'acme'); delete from lines where id = 20`,
    `insert into notes values (30, null); update notes set tenant_id = 'acme' where id = 30`,
    'insert into lines values (30, null); update lines set note = 30 where id = 30',
    'insert into lines values (31, null); delete from lines where id = 31',
    "insert into lines values (21, 22); insert into notes values (22, 'acme')",
  ]) {
    expect([write, await codeOf(asMover(db, write))]).toEqual([write, 'accepted'])
  }
  for (const write of nobodys.filter((one) => !/acme|where id = 1|, 1\), /.test(one))) {
    expect([write, await codeOf(db.pool.query(write))]).toEqual([write, 'accepted'])
  }
})

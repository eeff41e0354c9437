// Guards of tables whose columns have any name: each write of them goes through, also of a captured
// tenant, whichever way rows find their tenant.
import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { createHttpEnd } from '../../src/http-end/entry.ts'
import { postgres } from '../../src/plan/endpoint.ts'
import { definePlan, table } from '../../src/plan/plan.ts'
import { anyOf } from '../../src/plan/through.ts'
import { createDatabase } from '../helpers/database.ts'
import { installFence } from '../helpers/fence/install.ts'
import { codeOf } from '../helpers/fence/writer.ts'
import { secret } from '../helpers/http-end.ts'

/** All variables that a guard declares, and the names of its rows. */
const names = [
  ...['low', 'high', 'touched', 'leaves', 'anybodys', 'again', 'orphans', 'captured', 'changed'],
  ...['t', 'r', 'rp', 'f', 'k', 'old_rows', 'new_rows', 'tg_op', 'scope', 'tenant', 'row'],
]
const odd = names.map((name) => `"${name}" int default 1`).join(', ')

const schema = `
  create table notes (id int primary key, tenant_id text, ${odd});
  create table lines (id int primary key, note int references notes, up int references lines, ${odd});
  create table marks (id int primary key, line int not null references lines, ${odd});
  create table links (id int primary key, note int, ${odd});
  create index on links (note);
  insert into notes values (1, 'acme'), (2, 'beta');
  insert into lines values (1, 1, null), (2, null, 1);
  insert into marks values (1, 2);
  insert into links values (1, 1)`

const plan = definePlan({
  name: 'odd',
  source: postgres({ urlFrom: 'SOURCE_URL' }),
  target: postgres({ urlFrom: 'TARGET_URL' }),
  tenants: ['acme'],
  strategy: 'online',
  tables: [
    table('notes', { transform: (row) => row }),
    table('lines', { through: anyOf('note', 'up') }),
    table('marks', { through: 'line' }),
    table('links', { through: { note: 'notes.id' } }),
  ],
})

test('a guard declares no variable whose name is not tried here', async () => {
  await using db = await createDatabase()
  await db.pool.query(schema)
  await installFence(db.url, { plan })
  const { rows } = await db.pool.query<{ prosrc: string }>(
    `select prosrc from pg_proc where proname like 'guard%' and prosrc like '%declare%'`,
  )
  expect(rows).toHaveLength(4)
  for (const { prosrc } of rows) {
    const [, declared = ''] = prosrc.slice(0, prosrc.indexOf('\nbegin')).split('declare')
    const variables = [...declared.matchAll(/^\s+(\w+) /gm)].map(([, variable = '']) => variable)
    expect(variables.length).toBeGreaterThan(3)
    const untried = variables.filter((one) => !/^rehome_/.test(one) && !names.includes(one))
    expect(untried).toEqual([])
  }
})

test.each(['none', 'capturing'] as const)(
  'every write is accepted with a flag: %s',
  async (mode) => {
    await using db = await createDatabase()
    await db.pool.query(schema)
    await installFence(db.url, { plan })
    if (mode !== 'none') {
      await db.pool.query(
        `insert into rehome.tenant_flags (scope, tenant_id, mode, token, epoch, move_id, reason,
        retry_after_s, expires_at)
      values ('default', 'acme', 'capturing', $1, $1, $1, 'test', 1, now() + interval '1 hour')`,
        [randomUUID()],
      )
    }
    for (const write of [
      `insert into notes values (3, 'acme'), (4, 'beta')`,
      `update notes set low = 2, "again" = 3 where id = 1`,
      `update notes set tenant_id = 'beta' where id = 3`,
      'insert into lines values (3, 1, null), (4, 2, null), (5, null, 3)',
      'update lines set orphans = 2, note = 2, up = null where id = 3',
      'insert into marks values (2, 3); update marks set touched = 7; delete from marks where id = 2',
      'insert into links values (2, 2); update links set note = 1, t = 2',
      'insert into links values (9, 999); delete from links where id = 9',
      'delete from marks; delete from lines where id in (2, 5); delete from lines',
      'update notes set tenant_id = null where id = 4',
      'delete from links; delete from notes',
    ]) {
      expect([write, await codeOf(db.pool.query(write))]).toEqual([write, 'accepted'])
    }
  },
)

test("a table with a column that is called as rehome's own are gets no guard", async () => {
  await using db = await createDatabase()
  const { pool } = db
  await pool.query(`create table things (id int primary key, tenant_id text);
    create table odd (id int primary key, tenant_id text, rehome_captured text[])`)
  const tables = [table('odd'), table('things')]
  const end = createHttpEnd({ pool, tables, auth: { bearer: secret } })
  await expect(end.install()).rejects.toMatchObject({
    code: 'PREFLIGHT_FAILED',
    message: expect.stringMatching(/table "odd": .*column "rehome_captured" .*rename it/),
  })
  const guards = `select from pg_trigger where tgrelid = 'odd'::regclass`
  expect((await pool.query(guards)).rowCount).toBe(0)
})

// A removal meets keys of tables outside of the move, of every action and in every place: it
// removes the tenant's rows and nothing else, or it is refused and changes no other tenant's.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { brokenReferences } from '../../src/ends/postgres/compare/foreign-keys.ts'
import type { CatalogTable } from '../../src/plan/catalogs/catalog.ts'
import {
  createRemovals,
  expectExact,
  expectRefused,
  type Removals,
  roles,
} from '../helpers/moves/removals.ts'
import { partOf } from '../helpers/rotation.ts'

let removals: Removals

beforeAll(async () => {
  removals = await createRemovals()
})

afterAll(() => removals[Symbol.asyncDispose]())

interface Place {
  readonly create: (action: string) => string
  /** Rows that refer to other tenants' rows, or to none; and rows that refer to the tenant's. */
  readonly others: string
  readonly ours: string
}

const values = (table: string, others: string, ours: string) => ({
  others: `insert into ${table} values ${others}`,
  ours: `insert into ${table} values ${ours}`,
})

const places: Readonly<Record<string, Place>> = {
  'a table': {
    create: (action) =>
      `create table outside (id int, ref int default 1 references people on delete ${action})`,
    ...values('outside', '(1, 1), (2, null)', '(3, 3), (4, 6)'),
  },
  'a table of another schema': {
    create: (action) =>
      `create table other.outside (id int, ref int default 1 references people on delete ${action})`,
    ...values('other.outside', '(1, 1)', '(3, 18)'),
  },
  'one partition of a table': {
    create: (action) => `
      create table outside (id int, ref int default 1) partition by list (id);
      create table outside_1 partition of outside for values in (1);
      create table outside_2 partition of outside for values in (2);
      alter table outside_1 add foreign key (ref) references people on delete ${action}`,
    ...values('outside', '(1, 1), (2, 3)', '(1, 3)'),
  },
  "one partition of the tenant's table": {
    create: (action) =>
      `create table outside (id int, ref int default 1 references ev_25 (id) on delete ${action})`,
    ...values('outside', '(1, 1), (2, null)', '(3, 3)'),
  },
}

const actions = ['no action', 'cascade', 'set null', 'set default']
const cases = Object.entries(places).flatMap(([place, at]) =>
  actions.flatMap((action) => roles.map((role) => ({ place, at, action, role }))),
)

test.each(partOf(cases, 2))(
  '$place with a key `on delete $action`, by a role $role session_replication_role',
  async ({ at, action, role }) => {
    const { pool } = removals.database
    await pool.query(`${at.create(action)}; ${at.others}`)
    try {
      await expectExact(removals, role)
      await removals.restore()
      await pool.query(at.ours)
      await expectRefused(removals, role, { code: /^(FOREIGN_KEY_BROKEN|ROW_REJECTED)$/ })
    } finally {
      await pool.query('drop table if exists outside, other.outside')
      await removals.restore()
    }
  },
)

test('a reference to nothing by a key of one partition is found among copied rows', async () => {
  const { database, ends } = removals
  const client = await database.pool.connect()
  try {
    await client.query(`alter table events add column person_id int;
      alter table ev_25 add foreign key (person_id) references people;
      set session_replication_role = replica;
      insert into events values ('2025-01-01', 99, 'a', 999), ('2026-01-01', 98, 'a', 998);
      reset session_replication_role`)
    const table = (await removals.catalog('with')).get('events') as CatalogTable
    const path = { kind: 'column', column: 'tenant_id' } as const
    const rows = { scope: 'default', tenant: 'a', table, path }
    expect(await brokenReferences(ends.with, [rows], [{ table, path }])).toEqual([
      [{ foreignKey: 'ev_25_person_id_fkey', rows: 1, values: ['(999)'] }],
    ])
  } finally {
    await client.query('alter table events drop column person_id; delete from events where id > 90')
    client.release()
  }
})

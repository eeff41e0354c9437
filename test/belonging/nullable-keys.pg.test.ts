// Rows of a table that refers to itself by a column which may be null: messages by their message
// id, which drafts do not have yet.
import { expect, test } from 'vitest'
import { survey } from '../../src/checks/survey.ts'
import { closeEnds, openEnds } from '../../src/coordinator/installation.ts'
import { sharedEnds } from '../../src/ends/end.ts'
import { tenantPredicate } from '../../src/ends/postgres/tenant-of-rows.ts'
import { checkPlan } from '../../src/plan/check-plan.ts'
import { postgres } from '../../src/plan/endpoint.ts'
import { definePlan, table } from '../../src/plan/plan.ts'
import { anyOf } from '../../src/plan/through.ts'
import { createDatabase } from '../helpers/database.ts'

const plan = definePlan({
  name: 'mail',
  source: postgres({ urlFrom: 'SOURCE_URL' }),
  target: postgres({ urlFrom: 'TARGET_URL' }),
  tenants: ['acme'],
  tables: [
    table('boxes'),
    table('messages', { through: anyOf('box_id', { in_reply_to: 'messages.message_id' }) }),
  ],
})

const schema = `
  create table boxes (id int primary key, tenant_id text not null);
  create table messages (id int primary key, box_id int references boxes, message_id text unique,
    in_reply_to text);
  create index on messages (in_reply_to);
  insert into boxes values (1, 'acme'), (2, 'beta');
  insert into messages values
    (1, 1, '<a>', null), (2, null, '<b>', '<a>'), (3, null, null, '<b>'), (4, 1, null, null),
    (5, 2, '<c>', null), (6, null, null, '<c>'), (7, 2, null, null), (8, null, null, null),
    (9, null, null, '<gone>')`

test('rows whose own key is null are found by what they refer to', async () => {
  await using db = await createDatabase()
  await db.pool.query(schema)
  const checked = checkPlan(plan)
  const ends = sharedEnds(openEnds(checked, { SOURCE_URL: db.url, TARGET_URL: db.url }))
  const { sources } = await survey(checked, ends)
  await closeEnds(ends)
  const path = sources.find((one) => one.table.name === 'messages')?.path
  if (!path) throw new Error('messages have no path')
  const idsOf = async (tenant: string) => {
    const ours = tenantPredicate(path, { schema: 'public', alias: 'r', tenant })
    const { rows } = await db.pool.query(`select id from messages r where ${ours} order by id`)
    return rows.map(({ id }) => id)
  }
  expect(await idsOf('acme')).toEqual([1, 2, 3, 4])
  expect(await idsOf('beta')).toEqual([5, 6, 7])
})

// The entries that one statement of a captured tenant leaves in its table's log: a key that is as
// it was is logged once, one that became another as both, whatever its type calls equal.
import { expect, test } from 'vitest'
import { logTableOf } from '../../src/ends/postgres/changes/change-log.ts'
import { postgres } from '../../src/plan/endpoint.ts'
import { definePlan, table } from '../../src/plan/plan.ts'
import { createDatabase } from '../helpers/database.ts'
import { installFence } from '../helpers/fence/install.ts'

const names = ['whole', 'exact']
const plan = definePlan({
  name: 'keys',
  source: postgres({ urlFrom: 'SOURCE_URL' }),
  target: postgres({ urlFrom: 'TARGET_URL' }),
  tenants: ['acme'],
  strategy: 'online',
  tables: names.map((name) => table(name)),
})

const capturing = `
  insert into rehome.tenant_flags
    (scope, tenant_id, mode, token, epoch, move_id, reason, retry_after_s, expires_at)
  select 'default', 'acme', 'capturing', id, id, id, 'test', 1, now() + interval '1 h'
  from gen_random_uuid() id`

const logOf = (name: string) =>
  logTableOf({
    ...{ scope: 'default', schema: 'public', table: name },
    log: { columns: [], whole: false },
  })

test('a statement logs each key once, and both where it changes', async () => {
  await using db = await createDatabase()
  await db.pool.query(`
    create table whole (id int primary key, tenant_id text, hits int not null default 0);
    create table exact (id numeric primary key, tenant_id text, hits int not null default 0)`)
  await installFence(db.url, { plan })
  await db.pool.query(capturing)
  for (const name of names) {
    const log = logOf(name)
    const logged = async (write: string) => {
      await db.pool.query(write)
      const query = `with gone as (delete from ${log} returning rehome_tenant, id)
        select rehome_tenant || ' ' || id as entry from gone order by 1`
      return (await db.pool.query(query)).rows.map(({ entry }) => entry)
    }
    const mine = (...ids: string[]) => ids.map((id) => `acme ${id}`)
    const insert = `insert into ${name} values (1, 'acme'), (2, 'acme'), (9, 'beta'), (8, null)`
    expect(await logged(insert)).toEqual(mine('1', '2'))
    expect(await logged(`insert into ${name} values (3, 'acme'), (7, null)`)).toEqual(mine('3'))
    const all = `update ${name} set hits = hits + 1`
    expect(await logged(`${all} where id = 1`)).toEqual(mine('1'))
    expect(await logged(`${all} where tenant_id = 'acme'`)).toEqual(mine('1', '2', '3'))
    expect(await logged(all)).toEqual(mine('1', '2', '3'))
    expect(await logged(`update ${name} set id = 4 where id = 3`)).toEqual(mine('3', '4'))
    expect(await logged(`update ${name} set tenant_id = 'acme' where id = 9`)).toEqual(mine('9'))
    expect(await logged(`update ${name} set tenant_id = null where id = 9`)).toEqual(mine('9'))
    expect(await logged(`delete from ${name} where id in (1, 8)`)).toEqual(mine('1'))
  }
  // Equal, and another text.
  const { rows } = await db.pool.query(`update exact set id = 2.00 where id = 2 returning id`)
  expect(rows).toEqual([{ id: '2.00' }])
  const log = logOf('exact')
  expect((await db.pool.query(`select id from ${log} order by id::text`)).rows).toEqual([
    { id: '2' },
    { id: '2.00' },
  ])
})

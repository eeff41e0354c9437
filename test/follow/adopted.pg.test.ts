// A row without a tenant at the target, whose missing parent comes while the tenant is followed.
import { expect, test } from 'vitest'
import { table } from '../../src/plan/plan.ts'
import { copyWhileWritten } from '../../src/stages/copy.ts'
import { startFollowing } from '../helpers/follow/following.ts'

test('a round that would make a row of no tenant the one of its tenant is refused, and the row stays', async () => {
  await using following = await startFollowing([], {
    schema: `create table remarks (id int8 primary key, note int8); create index on remarks (note)`,
    plan: {
      tables: [
        table('tenants', { tenant: 'id' }),
        table('notes'),
        table('note_lines', { through: 'note_id' }),
        table('visits'),
        table('remarks', { through: { note: 'notes.id' }, nobody: 'stay' }),
      ],
    },
  })
  const { source, target } = following.world
  await following.world.addTenant('acme', 10)
  await target.pool.query('insert into remarks values (1, 5001), (2, 5002)')
  const follower = await following.begin()
  await follower.run(copyWhileWritten)
  await follower.settle()
  const note = (id: number) =>
    `insert into notes (id, tenant_id, body) values (${id}, 'acme', 'new')`
  await source.pool.query(`${note(5002)}; delete from notes where id = 5002`)
  await source.pool.query(`${note(6000)}; insert into remarks values (6, 6000)`)
  await follower.settle()
  await source.pool.query(note(5001))
  await expect(follower.round('changes')).rejects.toMatchObject({
    code: 'TARGET_NOT_EMPTY',
    message: expect.stringContaining('1 rows of "remarks" without a tenant, e.g. (1)'),
  })
  const { rows } = await target.pool.query('select id::int from remarks order by 1')
  expect(rows).toEqual([{ id: 1 }, { id: 2 }, { id: 6 }])
})

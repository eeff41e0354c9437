// What an earlier move has left at the target says nothing about this one's rows.
import { expect, test } from 'vitest'
import { startFollowing } from '../helpers/follow/following.ts'

test('a move begins without the checkpoint and the kept values of an earlier one', async () => {
  await using following = await startFollowing([])
  const { target, addTenant } = following.world
  await addTenant('acme')
  await target.pool.query(`
    insert into rehome.checkpoints (scope, tenant_id, epoch, seen, fingerprint)
      values ('default', 'acme', gen_random_uuid(), '1:1:', '');
    insert into rehome.changed_keys (scope, tenant_id, table_name, kind, key, key_hash, kept, step)
      values ('default', 'acme', 'notes', 'kept', '{1}', md5('{1}'), '{"slot": "7"}', 1)`)
  await following.begin()
  const left = `select (select count(*)::int from rehome.checkpoints) as checkpoints,
    (select count(*)::int from rehome.changed_keys) as keys`
  expect((await target.pool.query(left)).rows).toEqual([{ checkpoints: 0, keys: 0 }])
})

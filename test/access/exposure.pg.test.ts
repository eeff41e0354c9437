// Privileges of other roles at the ends are reported with the SQL that revokes them.
import { expect, test } from 'vitest'
import { twoKeyLocks } from '../../src/ends/postgres/fence/two-key-locks.ts'
import { createWorld } from '../helpers/world.ts'

test('who may create in the planned schema, or take the locks of guards, is named', async () => {
  await using world = await createWorld()
  await world.addTenant('acme', 1)
  const told = async () => {
    const exposed = await world.rehome.exposed(world.plan())
    return exposed.filter(({ where }) => where === 'source').map(({ message }) => message)
  }
  await world.source.pool.query('grant create on schema public to public, pg_monitor')
  const [role, everybody, locks, ...more] = await told()
  expect(everybody).toContain('everybody may create in schema "public"')
  expect(everybody).toContain('`revoke create on schema "public" from public`')
  expect(role).toContain('`revoke create on schema "public" from pg_monitor`')
  expect(locks).toContain('can take the locks of the guards')
  expect(more).toEqual([])
  expect(await world.rehome.check(world.plan())).toEqual([])

  const functions = twoKeyLocks.map((name) => `pg_catalog.${name}`)
  await world.source.pool.query(`
    revoke create on schema public from public, pg_monitor;
    revoke execute on function ${functions.join(', ')} from public`)
  expect(await told()).toEqual([])
  // The guards run as their owner, who may go on.
  const write = `insert into visits values ('acme', '2026-01-01', 1)
    on conflict (tenant_id, day) do update set hits = 2`
  await world.source.pool.query(write)
})

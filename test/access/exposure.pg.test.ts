// Privileges of other roles at the ends are reported with the SQL that revokes them.
import { readFile } from 'node:fs/promises'
import pg from 'pg'
import { expect, test } from 'vitest'
import { twoKeyLocks } from '../../src/ends/postgres/fence/two-key-locks.ts'
import { codeOf } from '../helpers/fence/writer.ts'
import { moveOf, runAll } from '../helpers/runs.ts'
import { createWorld } from '../helpers/world.ts'
import { createRolesWorld, type End, type RolesWorld } from './roles-world.ts'

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

/** SQL of the page for operators, with the names of this world's roles and database. */
async function advised(world: RolesWorld, end: End): Promise<string[]> {
  const page = await readFile(new URL('../../docs/operations.md', import.meta.url), 'utf8')
  const [, section = ''] = page.split('\n## Privileges of other roles\n')
  const blocks = [...(section.split('\n## ')[0] ?? '').matchAll(/```sql\n(.*?)```/gs)]
  const nameOf = (role: string) =>
    pg.escapeIdentifier(world.roleAt(end, role as 'owner' | 'application' | 'mover'))
  return blocks.map(([, sql = '']) =>
    sql
      .replace(/\b(owner|application|mover)_role\b/g, (_, role: string) => {
        // Within the text of a literal a quote is doubled.
        return sql.startsWith('do ') ? nameOf(role).replaceAll("'", "''") : nameOf(role)
      })
      .replaceAll('database app ', `database ${world[end].name} `),
  )
}

test('after what the page for operators advises, a stranger can do nothing and moves go on', async () => {
  const waves = [{ tenants: ['acme'] }, { rest: true }] as const
  await using world = await createRolesWorld({ plan: { waves } })
  for (const tenant of ['acme', 'beta']) await world.addTenant(tenant, 1)
  for (const end of ['source', 'target'] as const) {
    await world[end].pool.query('grant create on schema public to public')
    const sql = await advised(world, end)
    expect(sql).toHaveLength(3)
    for (const statements of sql) await world[end].pool.query(statements)
  }
  expect(await world.rehome.exposed(world.plan())).toEqual([])
  const stranger = `stranger_${world.source.name}`
  const client = await world.source.pool.connect()
  await client.query(`create role ${stranger}`)
  await client.query(`set role ${stranger}`)
  for (const act of [
    'select pg_advisory_lock(1919248495, 1)',
    'select pg_try_advisory_xact_lock_shared(1919248495, 1024)',
    'create function public.hashtext(text) returns int language sql as $$ select 1 $$',
  ]) {
    expect([act, await codeOf(client.query(act))]).toEqual([act, '42501'])
  }
  const may = `select has_database_privilege(current_database(), 'connect') as may`
  expect((await client.query(may)).rows).toEqual([{ may: false }])
  await client.query(`reset role; drop role ${stranger}`)
  client.release(true)
  await using _ = await world.work()
  const write = `insert into notes (tenant_id, body) values ('acme', 'as ever')`
  await world.poolAt('source', 'application').query(write)
  const runId = await runAll(world)
  for (const tenant of ['acme', 'beta']) {
    expect((await moveOf(world, runId, tenant)).error_message).toBeNull()
  }
})

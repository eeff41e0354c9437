// What a guard cannot see is found by the preflight, or refused, or waited for.
import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { install } from '../../src/coordinator/installation.ts'
import { checkPlan } from '../../src/plan/check-plan.ts'
import { createDatabase } from '../helpers/database.ts'
import { createFenced, type Fenced, rowsOf, takeSnapshot } from '../helpers/fence/fenced.ts'
import { findingsOf, installFence, unguardedRelations } from '../helpers/fence/install.ts'
import { createMover } from '../helpers/fence/mover.ts'
import { applicationSql, fencePlan, noteOf } from '../helpers/fence/schema.ts'
import { codeOf, levels, openWriter } from '../helpers/fence/writer.ts'
import { ended, moveOf, runAll, tryWrite } from '../helpers/runs.ts'
import { createWorld } from '../helpers/world.ts'

const deferred = `alter table note_lines drop constraint note_lines_note_id_fkey,
  add foreign key (note_id) references notes deferrable initially deferred;
  insert into notes values (99, 'beta');
  insert into note_lines values (99, 1, 'old')`

test.each(levels)(
  'a %s writer under a deferred key is waited for when another tenant takes it over',
  async (level) => {
    for (const write of [
      `insert into note_lines values (99, 2, 'new')`,
      `update note_lines set text = 'new' where note_id = 99`,
      'delete from note_lines where note_id = 99',
    ]) {
      await using db = await createFenced()
      await db.pool.query(deferred)
      await installFence(db.url, { plan: { ...fencePlan }, guardsOnly: true })
      await using child = await openWriter(db, level)
      expect(await child.write(write)).toBe('accepted')
      await db.pool.query(`begin; delete from notes where id = 99;
      insert into notes values (99, 'acme'); commit`)
      const mover = createMover(db, 'acme')
      await mover.raise()
      const drain = await mover.drainThatWaits()
      expect([write, drain.isDone()]).toEqual([write, false])
      // Other levels' own check of the key may fail.
      const ends = level === 'read committed' ? ['accepted'] : ['accepted', '40001']
      expect(ends).toContain(await child.commit())
      await drain.done
      await using copied = await takeSnapshot(db)
      expect(await rowsOf(db.pool, 'acme')).toEqual(await copied.rows('acme'))
    }
  },
)

/**
 * A state in which a role had run `init` that the policy binds, and the workers' role stood above
 * it.
 */
async function installedByABoundRole(db: Fenced, role: string): Promise<void> {
  await db.pool.query(`create role ${role};
    grant usage, create on schema rehome to ${role};
    grant all on all tables in schema public, rehome to ${role};
    grant execute on all functions in schema rehome to ${role};
    alter table notes enable row level security;
    create policy own on notes using (tenant_id = current_setting('app.tenant', true));
    do $$ declare f regprocedure; begin
      for f in select oid from pg_proc where pronamespace = 'rehome'::regnamespace
        and prorettype = 'trigger'::regtype loop
        execute format('alter function %s owner to ${role}', f);
      end loop;
    end $$`)
}

test('a parent that a policy hides from the role that ran `init` leaves no gap', async () => {
  await using db = await createFenced()
  const role = `bound_${randomUUID().slice(0, 8)}`
  await installedByABoundRole(db, role)
  await using _copied = await createMover(db, 'acme').fence()
  const code = await codeOf(
    db.pool.query(`insert into note_lines values (${noteOf('acme')}, 7, 'new')`),
  )
  await db.pool.query(`drop owned by ${role} cascade; drop role ${role}`)
  expect(code).not.toBe('accepted')
})

test('tables that inherit from a planned one and are no partitions are found', async () => {
  await using database = await createDatabase()
  await database.pool.query(`${applicationSql}; create table old_tenants () inherits (tenants);
    create schema archive; create table archive.notes () inherits (notes)`)
  await installFence(database.url, { plan: { ...fencePlan } })
  const seen = await findingsOf(database.url, fencePlan)
  expect([...seen, ...(await unguardedRelations(database.url, fencePlan))]).not.toEqual([])
})

test('a tenant column that is computed on reading is found', async () => {
  await using database = await createDatabase()
  await database.pool.query(applicationSql)
  await database.pool.query(`drop table visits cascade; create table visits (key text primary key,
    tenant_id text generated always as (split_part(key, '/', 1)) virtual)`)
  await installFence(database.url, { plan: { ...fencePlan } })
  const code = await codeOf(database.pool.query(`insert into visits values ('acme/1')`))
  const found = await findingsOf(database.url, fencePlan)
  expect(code === 'accepted' || found.length > 0).toBe(true)
})

test('a partition in another schema, which no guard covers, is found', async () => {
  await using database = await createDatabase()
  await database.pool.query(`${applicationSql}; create schema parts;
    create table parts.visits_2027 partition of visits
      for values from ('2027-01-01') to ('2028-01-01')`)
  expect(await codeOf(installFence(database.url, { plan: { ...fencePlan } }))).toBe('accepted')
  expect(await findingsOf(database.url, fencePlan)).not.toEqual([])
})

test('a foreign key that is not enforced tells no tenant', async () => {
  await using database = await createDatabase()
  const { rows } = await database.pool.query('show server_version_num')
  if (Number(rows[0].server_version_num) < 180000) return
  await database.pool.query(`${applicationSql};
    alter table note_lines drop constraint note_lines_note_id_fkey,
      add foreign key (note_id) references notes not enforced`)
  expect(await findingsOf(database.url, fencePlan)).not.toEqual([])
})

test('rows that tell writers of a fence are missed, and come back with `init`', async () => {
  await using world = await createWorld({ plan: { attempts: 1 } })
  await world.addTenant('acme')
  await world.source.pool.query('delete from rehome.buckets')
  await using _worker = await world.work()
  const runId = await runAll(world)
  const failed = { phase: 'failed', error_code: 'NOT_INSTALLED' }
  expect(await moveOf(world, runId, 'acme')).toMatchObject(failed)
  expect(await tryWrite(world, 'source', 'acme')).toBe('accepted')
  const { environment } = world
  const controlUrl = environment.CONTROL_URL ?? ''
  const redisUrl = environment.REDIS_URL
  await install({ controlUrl, redisUrl, environment }, [checkPlan(world.plan())])
  await world.rehome.retry(runId)
  expect((await ended(world, runId)).get('acme')).toMatchObject({ phase: 'moved' })
})

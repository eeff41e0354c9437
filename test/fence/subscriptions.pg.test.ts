// Logical replication fires no statement triggers, so a table into which a subscription writes
// cannot be guarded: it is found before a tenant is moved, also where it is only a partition.
import { expect, test } from 'vitest'
import { startPostgres } from '../../dev/postgres.ts'
import { createDatabaseOn } from '../helpers/database.ts'
import { findingsOf } from '../helpers/fence/install.ts'
import { applicationSql, fencePlan } from '../helpers/fence/schema.ts'

const found = 'a subscription writes here, past every statement trigger'

test('a subscription into a partition is found', async () => {
  await using server = await startPostgres({ name: 'replica', settings: { wal_level: 'logical' } })
  await using from = await createDatabaseOn(server)
  await using to = await createDatabaseOn(server)
  await to.pool.query(applicationSql)
  expect(await findingsOf(to.url, fencePlan)).not.toContain(found)
  await from.pool.query(`create table visits_2026_h1 (tenant_id text, day date, hits int);
    create publication visits for table visits_2026_h1`)
  await from.pool.query(`select pg_create_logical_replication_slot('visits', 'pgoutput')`)
  await to.pool.query(`create subscription visits connection '${from.url}' publication visits
    with (create_slot = false, slot_name = 'visits', copy_data = false)`)
  expect(await findingsOf(to.url, fencePlan)).toContain(found)
  await to.pool.query(`alter subscription visits disable;
    alter subscription visits set (slot_name = none)`)
  await to.pool.query('drop subscription visits')
})

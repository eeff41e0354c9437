// A fresh database of the small application with the fence installed, and what the proof looks at:
// the rows of a tenant as a snapshot has them, and who waits for which lock.
import pg from 'pg'
import { expect } from 'vitest'
import { createPool, type Pool } from '../../../src/postgres.ts'
import { createDatabase, type TestDatabase, templateDatabase } from '../database.ts'
import { eventually } from '../eventually.ts'
import { type Installation, installFence } from './install.ts'
import { applicationSql, planned, type Tenant } from './schema.ts'

export interface Fenced extends AsyncDisposable {
  readonly url: string
  /** The application's and the test's own connections. */
  readonly pool: pg.Pool
  /** A pool of rehome's, ended with the database. */
  moverPool(options?: { size?: number }): Pool
}

/** About as long as copying a database takes, unless `installation` asks for one of its own. */
export async function createFenced(installation?: Installation): Promise<Fenced> {
  const template = await templateDatabase(installation ? 'application' : 'fenced', async (url) => {
    await runOn(url, applicationSql)
    if (!installation) await installFence(url)
  })
  const database = await createDatabase({ template })
  if (installation) await installFence(database.url, installation)
  return fencedBy(database)
}

function fencedBy(database: TestDatabase): Fenced {
  const { url, pool } = database
  const pools: Pool[] = []
  return {
    url,
    pool,
    moverPool({ size = 4 } = {}) {
      const opened = createPool({ url, name: 'mover', size })
      pools.push(opened)
      return opened
    },
    async [Symbol.asyncDispose]() {
      // Sessions that still wait in there end with the database.
      await database.drop()
      await Promise.all(pools.map((opened) => opened.ending || opened.end()))
    },
  }
}

export async function runOn(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(sql)
  } finally {
    await client.end()
  }
}

const ofTenant: Record<(typeof planned)[number], string> = {
  tenants: 'r.id = $1',
  notes: 'r.tenant_id = $1',
  note_lines: 'r.note_id in (select id from notes where tenant_id = $1)',
  visits: 'r.tenant_id = $1',
}

/** Every row of the tenant, as text: what a copy would bring. */
export async function rowsOf(db: pg.Pool | pg.ClientBase, tenant: Tenant): Promise<string[]> {
  const query = planned
    .map((name) => `select '${name} ' || r::text as row from ${name} r where ${ofTenant[name]}`)
    .join(' union all ')
  const result = await db.query(`${query} order by 1`, [tenant])
  return result.rows.map(({ row }: { row: string }) => row)
}

export interface Snapshot extends AsyncDisposable {
  rows(tenant: Tenant): Promise<string[]>
}

/** The view of a copy: a snapshot of this moment, kept. */
export async function takeSnapshot(db: Fenced): Promise<Snapshot> {
  const client = await db.pool.connect()
  await client.query('begin isolation level repeatable read read only; select 1')
  return {
    rows: (tenant) => rowsOf(client, tenant),
    async [Symbol.asyncDispose]() {
      await client.query('rollback')
      client.release()
    },
  }
}

/** Resolves once that backend waits for a lock: a row's, a transaction's or an advisory one. */
export async function waitsForLock(db: Fenced, pid: number): Promise<void> {
  const query = `select wait_event_type from pg_stat_activity where pid = $1`
  await eventually(async () => {
    expect((await db.pool.query(query, [pid])).rows).toEqual([{ wait_event_type: 'Lock' }])
  })
}

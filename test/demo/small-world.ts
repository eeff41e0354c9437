// The demonstration's world at a fiftieth of its size, for tests: databases from templates, flags
// set by hand. It moves no tenant. Invariant: each call makes databases of its own.
import { readFile } from 'node:fs/promises'
import type { Pool } from 'pg'
import { startTraffic, type Traffic } from '../../demo/application/traffic.ts'
import { seedSource, seedTarget } from '../../demo/data/seed.ts'
import { tenantNames } from '../../demo/data/tenant-names.ts'
import { createDatabase, type TestDatabase, templateDatabase } from '../helpers/database.ts'

export const small = { rows: 6_000, tenants: 8 }
const smallTenants = tenantNames.slice(0, small.tenants)

export async function smallSource(): Promise<TestDatabase> {
  const template = await templateDatabase('demo_source', async (url) => {
    await seedSource(url, small)
  })
  return await createDatabase({ template })
}

export async function smallTarget(): Promise<TestDatabase> {
  const template = await templateDatabase('demo_target', async (url) => {
    await seedTarget(url)
  })
  return await createDatabase({ template })
}

export interface World extends AsyncDisposable {
  readonly source: TestDatabase
  readonly target: TestDatabase
  readonly sourceUrl: string
  readonly targetUrl: string
  traffic(only?: readonly string[], options?: { hold?: string }): Promise<Traffic>
}

export async function smallWorld(): Promise<World> {
  const [source, target] = [await smallSource(), await smallTarget()]
  const urls = { sourceUrl: source.url, targetUrl: target.url }
  return {
    ...urls,
    source,
    target,
    traffic: (only = smallTenants, options = {}) =>
      startTraffic({ ...urls, tenants: only, writesPerSecond: 300, thinkMs: 2, ...options }),
    async [Symbol.asyncDispose]() {
      await Promise.all([source.drop(), target.drop()])
    },
  }
}

/** The first column of the rows, as text. */
export async function texts(pool: Pool, query: string): Promise<string[]> {
  const result = await pool.query<unknown[]>({ text: query, rowMode: 'array' })
  return result.rows.map((row) => String(row[0]))
}

/** The flags' own tables and functions, with a guard of our making on what is written to. */
export async function raiseFences(pool: Pool): Promise<void> {
  const fence = new URL('../../migrations/endpoint/001_fence.sql', import.meta.url)
  await pool.query('create schema rehome')
  await pool.query(await readFile(fence, 'utf8'))
  await pool.query(`create function guard_row() returns trigger language plpgsql as $$ begin
    perform rehome.check_tenants('default', array[coalesce(new.tenant_id, old.tenant_id)]);
    return coalesce(new, old); end $$`)
  for (const name of ['tasks', 'comments', 'activity']) {
    await pool.query(`create trigger guard_row before insert or update or delete on ${name}
      for each row execute function guard_row()`)
  }
}

export async function setFlag(pool: Pool, flag: { tenant: string; mode: string }): Promise<void> {
  const insert = `insert into rehome.tenant_flags (scope, tenant_id, mode, token, epoch, move_id,
      reason, retry_after_s, expires_at, moved_to)
    values ('default', $1, $2, gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'test', 5,
      case when $2 = 'read_only' then now() + interval '1 hour' end,
      case when $2 = 'moved' then 'elsewhere' end)`
  await pool.query(insert, [flag.tenant, flag.mode])
}

/** Just as much of a tenant as its further writes need: its tasks, under their ids. */
export async function bringTenant({ source, target }: World, tenant: string): Promise<void> {
  await target.pool.query('insert into tenants (id, name) values ($1, $1)', [tenant])
  await target.pool.query(
    `insert into projects (id, tenant_id, code, title) values (1, $1, 'HOME', '')`,
    [tenant],
  )
  const { rows } = await source.pool.query('select id from tasks where tenant_id = $1', [tenant])
  await target.pool.query(
    `insert into tasks (id, tenant_id, project_id, title) overriding system value
      select id, $1, 1, '' from unnest($2::bigint[]) id`,
    [tenant, rows.map((row: { id: string }) => row.id)],
  )
}

// One database with rows of three tenants, and a removal of one of them by a role that may set
// session_replication_role and by one that may not.
import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { expect } from 'vitest'
import type { SqlEnd } from '../../../src/ends/end.ts'
import { readCatalog } from '../../../src/ends/postgres/catalog/read-catalog.ts'
import { flagsAt } from '../../../src/ends/postgres/fence/flags-at.ts'
import { wipeTenant } from '../../../src/ends/postgres/removal/wipe.ts'
import { migrate } from '../../../src/migrations.ts'
import type { CatalogTable } from '../../../src/plan/catalogs/catalog.ts'
import type { TenantPath } from '../../../src/plan/routing/path.ts'
import { createPool, toRehomeError } from '../../../src/postgres.ts'
import { createDatabase, type TestDatabase } from '../database.ts'
import { claimTarget } from '../fenced.ts'
import { wholeDatabase } from '../schemas/whole-database.ts'

/** People with a boss, and events in two partitions, one of which others can refer to. */
export const peopleAndEvents = `
  create table people (id int primary key, tenant_id text not null, boss_id int references people);
  create table events (day date, id int, tenant_id text, primary key (day, id))
    partition by range (day);
  create table ev_25 partition of events for values from ('2025-01-01') to ('2026-01-01');
  create table ev_26 partition of events for values from ('2026-01-01') to ('2027-01-01');
  create unique index on ev_25 (id);`

const application = `
  create schema other;${peopleAndEvents}
  create table pets (id int primary key, person_id int not null references people on delete cascade);
  insert into people select i, chr(97 + i % 3), i from generate_series(1, 18) i;
  update people set boss_id = (id + 2) % 18 + 1;
  insert into events select date '2025-12-01' + 5 * id, id, tenant_id from people;
  insert into pets select id + 100, id from people`

const byColumn = { kind: 'column', column: 'tenant_id' } as const
const byPerson: TenantPath = {
  kind: 'through',
  columns: ['person_id'],
  parent: 'people',
  parentColumns: ['id'],
  deferrable: false,
  path: byColumn,
}
const paths: Readonly<Record<string, TenantPath>> = {
  pets: byPerson,
  events: byColumn,
  people: byColumn,
}

/** Rows of tenant `a`: people 3, 6, 9 …, their events and pets. */
const ofTheTenant = /^public\.(people \(\d+,a,|ev_2\d \(\S+,\d+,a\)|pets \(\d+,(3|6|9|12|15|18)\))/

export const roles = ['with', 'without'] as const
export type Role = (typeof roles)[number]
const tenantRows = 18

export interface Removals extends AsyncDisposable {
  readonly ends: Readonly<Record<Role, SqlEnd>>
  readonly database: TestDatabase
  /** The catalogue as the role reads it. */
  catalog(role: Role): Promise<ReadonlyMap<string, CatalogTable>>
  /** Rows removed, or the error. `known`: the catalogue as it was before. */
  remove(role: Role, known?: ReadonlyMap<string, CatalogTable>): Promise<unknown>
  /** Everything but the tenant's rows. */
  others(): Promise<string[]>
  ours(): Promise<string[]>
  /** The tenant's rows as they were at first. */
  restore(): Promise<void>
}

export async function createRemovals(): Promise<Removals> {
  const database = await createDatabase()
  const { pool } = database
  await migrate(pool, 'endpoint')
  const role = `mover of ${database.name}`
  const name = pg.escapeIdentifier(role)
  await pool.query(`${application};
    create schema saved;
    create table saved.people as select * from people;
    create table saved.events as select * from events;
    create table saved.pets as select * from pets;
    create role ${name} login password 'mover';
    grant usage on schema public, other, rehome to ${name};
    alter default privileges grant select, insert, delete on tables to ${name};
    grant all on all tables in schema public, rehome to ${name}`)
  const hold = { scope: 'default', tenant: 'a', token: randomUUID() }
  const claim = { reason: 'test', retryAfterS: 1, ours: [], moveId: randomUUID() }
  await claimTarget(pool, { ...hold, ...claim, epoch: randomUUID() })
  const ends = { with: endOf(database.url), without: endOf(urlAs(database.url, role)) }
  const rows = async (are: boolean) =>
    (await wholeDatabase(pool)).filter(
      (row) => !row.startsWith('saved.') && ofTheTenant.test(row) === are,
    )
  const catalog = async (of: Role) => (await readCatalog(ends[of].pool, ends[of], [])).tables
  return {
    database,
    ends,
    catalog,
    async remove(of, known) {
      const tables = known ?? (await catalog(of))
      const groups = Object.entries(paths).map(([table, path]) => {
        const found = tables.get(table) as CatalogTable
        return { tables: [{ table: found, path }], atOnce: table === 'people' }
      })
      const mode = { mode: 'receiving', replicate: of === 'with', batchRows: 4 } as const
      const options = { ...mode, signal: AbortSignal.timeout(20_000) }
      return await wipeTenant(ends[of], hold, { groups, options }).catch((error: unknown) =>
        toRehomeError(error, 'the removal'),
      )
    },
    others: () => rows(false),
    ours: () => rows(true),
    async restore() {
      await pool.query(`insert into people select * from saved.people on conflict do nothing;
        insert into events select * from saved.events on conflict do nothing;
        insert into pets select * from saved.pets on conflict do nothing`)
    },
    async [Symbol.asyncDispose]() {
      for (const end of Object.values(ends)) await end.pool.end()
      await pool.query(`drop owned by ${name}; drop role ${name}`)
      await database.drop()
    },
  }
}

function urlAs(url: string, role: string): string {
  const other = new URL(url)
  other.username = encodeURIComponent(role)
  other.password = 'mover'
  return other.href
}

function endOf(url: string): SqlEnd {
  const pool = createPool({ url, name: 'mover', size: 2 })
  const place = { schema: 'public', address: 'here', place: 'here' }
  return { name: 'target', ...place, pool, lifeline: pool, flags: flagsAt(pool) }
}

/** All of the tenant's rows go, and nothing else changes. */
export async function expectExact(removals: Removals, role: Role): Promise<void> {
  const before = await removals.others()
  expect(await removals.remove(role)).toBe(tenantRows)
  expect(await removals.others()).toEqual(before)
  expect(await removals.ours()).toEqual([])
}

/** Nothing else changes; batches that went before the refusal may have. */
export async function expectRefused(
  removals: Removals,
  role: Role,
  { code, known }: { code: RegExp; known?: ReadonlyMap<string, CatalogTable> },
): Promise<void> {
  const before = await removals.others()
  expect(await removals.remove(role, known)).toMatchObject({ code: expect.stringMatching(code) })
  expect(await removals.others()).toEqual(before)
  expect((await removals.ours()).some((row) => row.startsWith('public.people'))).toBe(true)
}

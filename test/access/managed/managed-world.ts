// The small world on a managed service: one role, the one that the service gives its customer, owns
// the databases and does everything. It has the rights that the service's documentation lists.
import pg from 'pg'
import { expect, inject } from 'vitest'
import { install } from '../../../src/coordinator/installation.ts'
import { openLibrary } from '../../../src/coordinator/rehome.ts'
import { createLog } from '../../../src/log.ts'
import { checkPlan } from '../../../src/plan/check-plan.ts'
import { ended, expectHome, moveOf } from '../../helpers/runs.ts'
import { ownIds } from '../../helpers/way-back.ts'
import { createWorld, type World } from '../../helpers/world.ts'
import { handOver, password } from '../roles-world.ts'

export interface Service {
  /** Attributes of the customer's role. */
  readonly attributes: string
  /** Predefined roles that it is a member of, from PostgreSQL 14 on. */
  readonly memberOf?: readonly string[]
  /** It may set session_replication_role. */
  readonly switches: boolean
}

/** Services under the names that docs/managed-postgresql.md has. */
export const services: Readonly<Record<string, Service>> = {
  'Amazon RDS': { attributes: 'createdb createrole noreplication nobypassrls', switches: true },
  'Amazon Aurora': { attributes: 'createdb createrole noreplication nobypassrls', switches: true },
  'Google Cloud SQL': { attributes: 'createdb createrole noreplication', switches: false },
  'Azure Database': { attributes: 'createdb createrole noreplication', switches: true },
  Supabase: { attributes: 'createdb createrole replication bypassrls', switches: true },
  Neon: {
    attributes: 'createdb createrole replication bypassrls',
    memberOf: ['pg_read_all_data', 'pg_write_all_data'],
    switches: false,
  },
}

/** `both`: SQL for both ends. */
export async function createManagedWorld(service: Service, both = ''): Promise<World> {
  const world = await createWorld({ bare: true, both, target: ownIds })
  const name = `customer of ${world.control.name}`
  const role = pg.escapeIdentifier(name)
  const admin = new pg.Client({ connectionString: inject('postgresUrl') })
  await admin.connect()
  await admin.query(`create role ${role} login nosuperuser ${service.attributes}
    password ${pg.escapeLiteral(password)}`)
  for (const other of service.memberOf ?? []) await admin.query(`grant ${other} to ${role}`)
  // Services let their customer set it by ways of their own; PostgreSQL's own way is this grant.
  if (service.switches) {
    await admin.query(`grant set on parameter session_replication_role to ${role}`)
  }
  const urls: Record<string, string> = {}
  for (const place of ['source', 'target', 'control'] as const) {
    const { pool, name: database, url } = world[place]
    await pool.query(`alter database ${pg.escapeIdentifier(database)} owner to ${role}`)
    await pool.query(handOver(pg.escapeLiteral(name)))
    const own = new URL(url)
    own.username = encodeURIComponent(name)
    own.password = encodeURIComponent(password)
    urls[`${place.toUpperCase()}_URL`] = own.href
  }
  Object.assign(world.environment, urls)
  const { CONTROL_URL: controlUrl = '', REDIS_URL: redisUrl } = world.environment
  const online = checkPlan(world.plan({ strategy: 'online' }))
  await install({ controlUrl, redisUrl, environment: world.environment }, [online])
  const log = createLog({ level: process.env.LOG_LEVEL ?? 'silent' })
  const rehome = await openLibrary({ environment: world.environment, by: 'tester', log })
  const { source, target, control, environment, plan, addTenant, work } = world
  return {
    ...{ source, target, control, environment, rehome, plan, addTenant, work },
    async [Symbol.asyncDispose]() {
      await rehome.close()
      await world[Symbol.asyncDispose]()
      await admin.query(`drop owned by ${role}`)
      await admin.query(`drop role ${role}`)
      await admin.end()
    },
  }
}

const writes = `
  with note as (insert into notes (tenant_id, body, parent_id)
      select 'acme', 'new', max(id) from notes where tenant_id = 'acme' returning id)
    insert into note_lines select id, l, 'line' from note, generate_series(1, 2) l;
  update note_lines set text = text || '.' where note_id = (select min(id) from notes);
  update notes set body = body || '!' where id % 3 = 0 and length(body) < 100;
  delete from visits where (day, tenant_id) in (select day, tenant_id from visits order by random() limit 1);
  insert into visits select 'acme', day, 0 from generate_series(date '2025-12-25', '2026-01-20', '1 day') day
    order by random() limit 2 on conflict (tenant_id, day) do update set hits = visits.hits + 1;
  with gone as (select id from notes n where not exists (select from notes c where c.parent_id = n.id)
      and id % 5 = 0 and (select count(*) from notes) > 5 limit 1)
    delete from notes where id in (select id from gone)`

/** The application: it writes at the tenant's home, wherever that is, until it is stopped. */
function startWriting(world: World) {
  let stopped = false
  let home: 'source' | 'target' = 'source'
  let accepted = 0
  const write = async () => {
    while (!stopped) {
      const written = await world[home].pool.query(writes).then(
        () => true,
        // At the other end a row that it refers to may be replaced before the guard refuses.
        (error: { code?: string }) => {
          if (!['25006', '40001', '23503'].includes(error.code ?? '')) throw error
          return false
        },
      )
      if (written) accepted += 1
      else home = home === 'source' ? 'target' : 'source'
    }
  }
  const writing = write()
  return {
    accepted: () => accepted,
    async stop() {
      stopped = true
      await writing
    },
  }
}

/** Every row of every table of the application at one end, by the database's own owner. */
async function everything({ pool }: World['source']): Promise<Record<string, string[]>> {
  const names = await pool.query(`select c.oid::regclass::text as name from pg_class c
    where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition`)
  const tables: Record<string, string[]> = {}
  for (const { name } of names.rows) {
    const { rows } = await pool.query(`select t::text as row from ${name} t order by 1`)
    tables[name] = rows.map(({ row }: { row: string }) => row)
  }
  return tables
}

/**
 * Installs, moves online under writes and comes back with them. `andOn`: then it cleans up, moves
 * again and cleans up there.
 */
export async function moveAsCustomerOf(name: string, { andOn = false } = {}): Promise<void> {
  const service = services[name]
  if (!service) throw new Error(`no service ${name}`)
  await using world = await createManagedWorld(service)
  const plan = world.plan({ strategy: 'online', rollback: { windowMs: 60_000 }, attempts: 9 })
  expect(await world.rehome.check(plan)).toEqual([])
  await world.addTenant('acme', 3)
  const empty = await everything(world.target)
  await using _worker = await world.work([plan])
  const begun = startWriting(world)
  const { runId } = await world.rehome.enqueue(plan, { tenants: ['acme'] })
  const id = runId ?? ''
  await ended(world, id)
  await begun.stop()
  expect(begun.accepted()).toBeGreaterThan(0)
  const move = await moveOf(world, id, 'acme')
  expect([move.phase, move.error_message]).toEqual(['moved', null])
  const writing = startWriting(world)
  await world.rehome.rollback(id, { tenants: ['acme'], discardWrites: false })
  await ended(world, id)
  await writing.stop()
  expect(writing.accepted()).toBeGreaterThan(0)
  expect(await moveOf(world, id, 'acme')).toMatchObject({ phase: 'rolled_back' })
  await expectHome(world, 'acme', 'source')
  if (!andOn) return
  const home = await everything(world.source)
  await world.rehome.cleanup(id, { tenants: ['acme'] })
  await ended(world, id)
  expect(await everything(world.target)).toEqual(empty)
  expect(await everything(world.source)).toEqual(home)
  const again = (await world.rehome.enqueue(plan, { tenants: ['acme'] })).runId ?? ''
  await ended(world, again)
  expect(await everything(world.target)).toEqual(home)
  await world.rehome.finalize(again, { tenants: ['acme'] })
  await ended(world, again)
  await world.rehome.cleanup(again, { tenants: ['acme'] })
  await ended(world, again)
  expect(await everything(world.source)).toEqual(empty)
  expect(await everything(world.target)).toEqual(home)
}

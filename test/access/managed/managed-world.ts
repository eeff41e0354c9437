// The small world on a managed service: one role, the one that the service gives its customer, owns
// the databases and does everything. It has the rights that the service's documentation lists.
import pg from 'pg'
import { expect, inject } from 'vitest'
import { install } from '../../../src/coordinator/installation.ts'
import { openLibrary } from '../../../src/coordinator/rehome.ts'
import { createLog } from '../../../src/log.ts'
import { checkPlan } from '../../../src/plan/check-plan.ts'
import { ended, expectHome, moveOf, rowsAt, writeAt } from '../../helpers/runs.ts'
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

async function createManagedWorld(service: Service): Promise<World> {
  const world = await createWorld({ bare: true })
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

const needsGrant =
  /^an online move needs `grant set on parameter session_replication_role` for our role$/

/** Installs, checks, moves and rolls back as well as the service's role can. */
export async function moveAsCustomerOf(name: string): Promise<void> {
  const service = services[name]
  if (!service) throw new Error(`no service ${name}`)
  await using world = await createManagedWorld(service)
  expect(await world.rehome.check(world.plan())).toEqual([])
  const online = await world.rehome.check(world.plan({ strategy: 'online' }))
  if (service.switches) expect(online).toEqual([])
  else expect(online[0]?.message).toMatch(needsGrant)
  await moveAndBack(world, service)
}

async function moveAndBack(world: World, { switches: online }: Service): Promise<void> {
  const plan = world.plan(online ? { strategy: 'online' } : {})
  await world.addTenant('acme', 3)
  const before = await rowsAt(world, 'source', 'acme')
  await using _worker = await world.work([plan])
  const { runId } = await world.rehome.enqueue(plan)
  await ended(world, runId)
  expect(await moveOf(world, runId ?? '', 'acme')).toMatchObject({ phase: 'moved' })
  await expectHome(world, 'acme', 'target')
  if (online) await writeAt(world, 'target', 'acme')
  const written = await rowsAt(world, 'target', 'acme')
  await world.rehome.rollback(runId ?? '', { tenants: ['acme'], discardWrites: !online })
  await ended(world, runId)
  expect(await moveOf(world, runId ?? '', 'acme')).toMatchObject({ phase: 'rolled_back' })
  expect(await rowsAt(world, 'source', 'acme')).toEqual(online ? written : before)
  await expectHome(world, 'acme', 'source')
}

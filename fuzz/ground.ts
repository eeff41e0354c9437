/**
 * Where cases are tried: one PostgreSQL server with a control database for all of them, and three
 * databases for each. The third is a copy of the source without moves: every acknowledged
 * write is repeated there, and the oracle compares with it.
 */
import { readFile } from 'node:fs/promises'
import pg from 'pg'
import { type PostgresServer, startPostgres } from '../dev/postgres.ts'
import { install } from '../src/coordinator/installation.ts'
import { type Library, openLibrary } from '../src/coordinator/rehome.ts'
import { createLog } from '../src/log.ts'
import { migrate } from '../src/migrations.ts'
import { createPool } from '../src/postgres.ts'
import type { Case, Role } from './cases/case.ts'
import { outsideOf } from './cases/case-sql.ts'
import { literal, name } from './draw/draw.ts'

export interface Ground extends AsyncDisposable {
  readonly rehome: Library
  /** Where plans find their ends; it changes with each case. */
  readonly environment: NodeJS.ProcessEnv
  databases(): Promise<Databases>
}

export interface Databases extends AsyncDisposable {
  readonly source: pg.Pool
  readonly target: pg.Pool
  readonly shadow: pg.Pool
  /** Connections in the application's role, with guards in its way. */
  readonly application: Readonly<Record<'source' | 'target', pg.Pool>>
  /** The environment in which plans find both ends, as this role or as their owner. */
  environmentAs(role: Role | 'owner'): NodeJS.ProcessEnv
  /** Grants the rights of `examples/roles`, and those on `outside`, which are other schemas. */
  grant(schema: string, outside: readonly string[]): Promise<void>
}

const password = 'fuzz'
const roles = ['application', 'mover plain', 'mover replicating'] as const

export async function openGround(): Promise<Ground> {
  const settings = { max_connections: 120, log_min_messages: 'fatal' }
  const server = await startPostgres({ name: 'fuzz', settings })
  try {
    await server.createDatabase('control')
    await server.createDatabase('endpoint')
    await prepare(server)
    const environment: NodeJS.ProcessEnv = { CONTROL_URL: server.urlOf('control') }
    await install({ controlUrl: server.urlOf('control'), environment }, [])
    const log = createLog({ level: 'silent' })
    const rehome = await openLibrary({ environment, by: 'fuzz', log })
    let made = 0
    return {
      rehome,
      environment,
      databases: () => databasesOf(server, ++made),
      async [Symbol.asyncDispose]() {
        await rehome.close()
        await server.stop()
      },
    }
  } catch (error) {
    await server.stop()
    throw error
  }
}

async function prepare(server: PostgresServer): Promise<void> {
  const pool = createPool({ url: server.urlOf('endpoint'), name: 'endpoint', size: 1 })
  try {
    await migrate(pool, 'endpoint')
    for (const role of roles) {
      const bypass = role === 'mover replicating' ? 'bypassrls' : ''
      await pool.query(`create role ${name(role)} login ${bypass} password ${literal(password)}`)
    }
    await pool.query(
      `grant set on parameter session_replication_role to ${name('mover replicating')}`,
    )
  } finally {
    await pool.end()
  }
}

async function databasesOf(server: PostgresServer, number: number): Promise<Databases> {
  const own = { source: `source_${number}`, target: `target_${number}`, shadow: `shadow_${number}` }
  await server.createDatabase(own.source, { template: 'endpoint' })
  await server.createDatabase(own.target, { template: 'endpoint' })
  await server.createDatabase(own.shadow)
  const pools: pg.Pool[] = []
  const pool = (url: string) => {
    const made = new pg.Pool({ connectionString: url, max: 3, options: readable })
    made.on('error', () => {})
    made.on('connect', (client) => client.on('error', () => {}))
    pools.push(made)
    return made
  }
  const application = (end: 'source' | 'target') => pool(urlAs(server, own[end], 'application'))
  const source = pool(server.urlOf(own.source))
  const target = pool(server.urlOf(own.target))
  return {
    ...{ source, target, shadow: pool(server.urlOf(own.shadow)) },
    application: { source: application('source'), target: application('target') },
    environmentAs: (role) => ({
      SOURCE_URL: urlAs(server, own.source, role),
      TARGET_URL: urlAs(server, own.target, role),
    }),
    async grant(schema, outside) {
      for (const one of [schema, ...outside]) {
        for (const pool of [source, target]) await pool.query(accessSql(one))
      }
      for (const role of ['mover plain', 'mover replicating']) {
        await source.query(await roleSql('source', { schema, role }))
        await target.query(await roleSql('target', { schema, role }))
        for (const pool of [source, target])
          await pool.query(await roleSql('models', { schema, role }))
      }
      // Foreign keys are on for it, so changed rows come in place.
      const tables = `all tables in schema ${name(schema)}`
      await target.query(`grant update on ${tables} to ${name('mover plain')}`)
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(pools.map((one) => one.end()))
      const admin = new pg.Client({ connectionString: server.url })
      await admin.connect()
      for (const database of Object.values(own)) {
        await admin.query(`drop database if exists ${database} with (force)`)
      }
      await admin.end()
    },
  }
}

/** Everything is read, and written, under the same settings. */
const readable = [
  '-c timezone=UTC -c datestyle=ISO,YMD -c intervalstyle=postgres -c extra_float_digits=3',
  '-c bytea_output=hex -c lock_timeout=3000 -c statement_timeout=20000',
  '-c client_min_messages=warning',
].join(' ')

function urlAs(server: PostgresServer, database: string, role: Role | 'owner' | 'application') {
  const url = new URL(server.urlOf(database))
  if (role === 'owner' || role === 'superuser') return url.href
  url.username = encodeURIComponent(role === 'application' ? role : `mover ${role}`)
  url.password = password
  return url.href
}

/** The application may empty tables, too; movers see what other schemas refer to. */
function accessSql(schema: string): string {
  const all = `on all tables in schema ${name(schema)} to`
  return `grant usage on schema ${name(schema)} to public;
    grant select, insert, update, delete, truncate ${all} application;
    grant usage on all sequences in schema ${name(schema)} to application;
    grant select ${all} public`
}

async function roleSql(
  end: 'source' | 'target' | 'models',
  { schema, role }: { schema: string; role: string },
): Promise<string> {
  const file = new URL(`../examples/roles/${end}.sql`, import.meta.url)
  return (await readFile(file, 'utf8'))
    .replaceAll(':"schema"', name(schema))
    .replaceAll(':"application"', 'application')
    .replaceAll(':"mover"', name(role))
}

/** Rights of all roles. A mover that brings shared rows locks them, which needs UPDATE. */
export async function grantFor(kase: Case, at: Databases): Promise<void> {
  await at.grant(kase.schema, outsideOf(kase))
  const brought = kase.tables.filter((table) => table.brought)
  for (const table of brought) {
    const relation = `${name(kase.schema)}.${name(table.name)}`
    await at.target.query(`grant update on ${relation} to "mover plain", "mover replicating"`)
  }
}

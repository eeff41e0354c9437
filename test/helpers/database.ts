// Databases for tests: a fresh one a call, on the server that global-setup.ts has started.
//
// It knows no schema: a caller that needs one prepared names a template and says how it is built.
// Invariant: no two calls share a database, in whatever process or test file they are made.
import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { inject } from 'vitest'

export interface TestDatabase extends AsyncDisposable {
  readonly url: string
  readonly name: string
  /** Up to ten connections, closed with the database. */
  readonly pool: pg.Pool
  /** Drops the database, even with open connections. Idempotent. */
  drop(): Promise<void>
}

/** Makes a database in about 50 ms: empty, or a copy of `template`. `await using` drops it. */
export async function createDatabase(options: { template?: string } = {}): Promise<TestDatabase> {
  const name = `test_${randomUUID().slice(0, 13).replace('-', '_')}`
  await administer(async (client) => {
    await client.query(`create database ${name} ${copyOf(options.template)}`)
  })
  const url = urlOf(name)
  const pool = openPool(url)
  const drop = async () => await dropDatabase(name, pool)
  return { url, name, pool, drop, [Symbol.asyncDispose]: drop }
}

/**
 * The name of a template database, built by `build` on the first call of the test run and shared
 * by all files after it. `build` has to close its connections.
 */
export async function templateDatabase(
  name: string,
  build: (url: string) => Promise<void>,
): Promise<string> {
  const templates = await templateDatabases(name, {
    parts: { '': undefined },
    build: ({ '': url }) => build(url),
  })
  return templates['']
}

export interface Templates<Part extends string> {
  /** Part → the template that it is built on; undefined: an empty database. */
  readonly parts: Readonly<Record<Part, string | undefined>>
  /** Part → the URL of its database. Has to close its connections. */
  build(urls: Readonly<Record<Part, string>>): Promise<void>
}

/** Templates that this process has built or found. */
const built = new Set<string>()

/** Copies databases that are built together: part → the name of its template. */
export async function templateDatabases<Part extends string>(
  name: string,
  { parts, build }: Templates<Part>,
): Promise<Readonly<Record<Part, string>>> {
  const each = <T>(of: (part: Part) => T): Record<Part, T> => {
    const entries = (Object.keys(parts) as Part[]).map((part) => [part, of(part)])
    return Object.fromEntries(entries)
  }
  const named = (kind: string) => each((part) => [kind, name, part].filter(Boolean).join('_'))
  const [templates, unfinished] = [named('template'), named('unfinished')]
  if (built.has(name)) return templates
  const all = Object.values<string>(templates)
  await administer(async (client) => {
    await client.query('select pg_advisory_lock(hashtext($1))', [`template_${name}`])
    const unlock = async () => void (await client.query('select pg_advisory_unlock_all()'))
    const sql = 'select from pg_database where datname = any ($1)'
    if ((await client.query(sql, [all])).rowCount === all.length) return await unlock()
    for (const part of Object.keys(parts) as Part[]) {
      const database = pg.escapeIdentifier(unfinished[part])
      await client.query(`drop database if exists ${database} with (force)`)
      await client.query(`create database ${database} ${copyOf(parts[part])}`)
    }
    await build(each((part) => urlOf(unfinished[part])))
    for (const part of Object.keys(parts) as Part[]) {
      const [from, to] = [unfinished[part], templates[part]].map(pg.escapeIdentifier)
      await client.query(`alter database ${from} rename to ${to}`)
    }
    await unlock()
  })
  built.add(name)
  return templates
}

/** `file_copy` needs no write-ahead log, so it is the quicker one for small databases. */
function copyOf(template = 'template1'): string {
  return `template ${pg.escapeIdentifier(template)} strategy file_copy`
}

async function dropDatabase(name: string, pool: pg.Pool): Promise<void> {
  const ended = pool.ending ? Promise.resolve() : pool.end()
  await administer(async (client) => {
    await client.query(`drop database if exists ${name} with (force)`)
  })
  // A client that a failed test never gave back would hold the pool up for ever.
  if (pool.totalCount === pool.idleCount) await ended
}

/** A pool whose connections may break, as they do when a test drops or crashes what they are to. */
export function openPool(url: string, options: pg.PoolConfig = { max: 10 }): pg.Pool {
  const pool = new pg.Pool({ connectionString: url, ...options })
  pool.on('error', () => {})
  pool.on('connect', (client) => client.on('error', () => {}))
  return pool
}

/** Connections of this process that make and drop databases, one after the other. */
let administrators: pg.Pool | null = null

async function administer(work: (client: pg.PoolClient) => Promise<void>): Promise<void> {
  administrators ??= openPool(inject('postgresUrl'), { max: 10, allowExitOnIdle: true })
  const client = await administrators.connect()
  try {
    await work(client)
    client.release()
  } catch (error) {
    client.release(true)
    throw error
  }
}

function urlOf(name: string): string {
  const url = new URL(inject('postgresUrl'))
  url.pathname = `/${encodeURIComponent(name)}`
  return url.href
}

/** A fresh database on another server than the one of the test run. It goes with its server. */
export async function createDatabaseOn(server: {
  urlOf(name: string): string
  createDatabase(name: string): Promise<void>
}): Promise<TestDatabase> {
  const name = `test_${randomUUID().slice(0, 13).replace('-', '_')}`
  await server.createDatabase(name)
  const url = server.urlOf(name)
  const pool = openPool(url)
  const drop = async () => await pool.end()
  return { url, name, pool, drop, [Symbol.asyncDispose]: drop }
}

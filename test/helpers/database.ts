// Databases for tests: a fresh one a call, on the server that global-setup.ts has started.
//
// It knows no schema: whoever needs one prepared names a template and says how it is built.
// Invariant: no two calls share a database, in whatever process or test file they are made.
import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { inject } from 'vitest'

export interface TestDatabase extends AsyncDisposable {
  readonly url: string
  readonly name: string
  /** Up to ten connections, closed with the database. */
  readonly pool: pg.Pool
  /** Drops the database, whoever is still connected to it. Idempotent. */
  drop(): Promise<void>
}

/** Makes a database in about 50 ms: empty, or a copy of `template`. `await using` drops it. */
export async function createDatabase(options: { template?: string } = {}): Promise<TestDatabase> {
  const name = `test_${randomUUID().slice(0, 13).replace('-', '_')}`
  const template = pg.escapeIdentifier(options.template ?? 'template1')
  await administer(async (client) => {
    await client.query(`create database ${name} template ${template} strategy file_copy`)
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
  const template = `template_${name}`
  const unfinished = `unfinished_${name}`
  await administer(async (client) => {
    await client.query('select pg_advisory_lock(hashtext($1))', [template])
    const sql = 'select from pg_database where datname = $1'
    if ((await client.query(sql, [template])).rowCount) return
    await client.query(`drop database if exists ${pg.escapeIdentifier(unfinished)} with (force)`)
    await client.query(`create database ${pg.escapeIdentifier(unfinished)}`)
    await build(urlOf(unfinished))
    const [from, to] = [unfinished, template].map(pg.escapeIdentifier)
    await client.query(`alter database ${from} rename to ${to}`)
  })
  return template
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
function openPool(url: string): pg.Pool {
  const pool = new pg.Pool({ connectionString: url, max: 10 })
  pool.on('error', () => {})
  pool.on('connect', (client) => client.on('error', () => {}))
  return pool
}

async function administer(work: (client: pg.Client) => Promise<void>): Promise<void> {
  const client = new pg.Client({ connectionString: inject('postgresUrl') })
  await client.connect()
  try {
    await work(client)
  } finally {
    await client.end()
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

// Starts the servers of a test run: one PostgreSQL for control, source and target databases, and
// Redis where there is one. Tests get at them through database.ts and backends.ts. Also compiles
// the programs that tests start as processes, once for all of them; see programs.ts.
//
// Without Redis the suites that need it are skipped, which is said here once, in clear words; where
// `CI` is set there is no skipping: the run fails.
import { readFile, writeFile } from 'node:fs/promises'
import pg from 'pg'
import type { TestProject } from 'vitest/node'
import { compilePrograms } from '../../dev/compiled-program.ts'
import { type PostgresServer, startPostgres } from '../../dev/postgres.ts'
import { type FoundRedis, findRedis, type MissingRedis } from '../../dev/redis/redis.ts'
import { programs } from './processes/programs.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** A superuser's, of the maintenance database. */
    postgresUrl: string
    redis: { url: string } | MissingRedis
    /** The directory of compiled programs. */
    programs: string
  }
}

// Some tests have dozens of worker processes, each with its own connections. A server whose
// databases live for seconds has nothing to clean up, and looks through all of its buffers for each
// that goes.
const settings = { max_connections: 600, autovacuum: 'off', shared_buffers: '32MB' }
const server = { name: 'test', settings }

export default async function startServers(project: TestProject): Promise<() => Promise<void>> {
  const [postgres, redis, compiled] = await Promise.all([
    startPostgres(server),
    findRedis(),
    compilePrograms(programs),
  ])
  await makePasswordsCheap(postgres)
  project.provide('programs', compiled.directory)
  project.provide('postgresUrl', postgres.url)
  project.provide('redis', 'missing' in redis ? redis : { url: redis.url })
  if ('missing' in redis) refuseOrWarn(redis.missing)
  return async () => {
    await Promise.all([postgres.stop(), stopRedis(redis), compiled[Symbol.asyncDispose]()])
  }
}

/**
 * Tests open tens of thousands of connections, and SCRAM is two thirds of what one costs a client:
 * passwords are sent as they are. Those that are wrong are still refused. PostgreSQL makes hashes
 * of fewer iterations since version 16.
 */
async function makePasswordsCheap({ url, major }: PostgresServer): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const file = (await client.query('show hba_file')).rows[0].hba_file
  const rules = await readFile(file, 'utf8')
  await writeFile(file, rules.replaceAll(/ (scram-sha-256|md5)$/gm, ' password'))
  if (major >= 16) {
    const { username, password } = new URL(url)
    const [name, text] = [pg.escapeIdentifier(username), pg.escapeLiteral(password)]
    await client.query('alter system set scram_iterations = 1')
    await client.query(`set scram_iterations = 1`)
    await client.query(`alter role ${name} password ${text}`)
  }
  await client.query('select pg_reload_conf()')
  await client.end()
}

function refuseOrWarn(reason: string): void {
  if (process.env.CI)
    throw new Error(`CI has to run the Redis suites, but there is none: ${reason}`)
  process.stderr.write(`\nSKIPPED: every suite on Redis, because ${reason}.\n`)
  process.stderr.write('Install redis-server, or set REDIS_URL.\n\n')
}

async function stopRedis(redis: FoundRedis | MissingRedis): Promise<void> {
  if (!('missing' in redis)) await redis.stop()
}

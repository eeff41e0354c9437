// Passwords and tokens stay where they were given: they are in no queue, no table, no log, no page
// and no list of processes, whatever succeeds or fails.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { Redis } from 'ioredis'
import pg from 'pg'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { open } from '../../src/coordinator/rehome.ts'
import { tenantPath } from '../../src/dashboard/tenant-path.ts'
import { messageOf } from '../../src/errors.ts'
import { createLog } from '../../src/log.ts'
import { ask, bearer, openBoard, tokens } from '../dashboard/board-world.ts'
import { describeOnBackends, queueBackends, uniquePrefix } from '../helpers/backends.ts'
import { rehome as command } from '../helpers/command.ts'
import { createDatabase } from '../helpers/database.ts'
import { eventually } from '../helpers/eventually.ts'
import { type PlanFile, writePlanFile } from '../helpers/plans/plan-file.ts'
import { ended } from '../helpers/runs.ts'
import { createRolesWorld, type End, password, type RolesWorld } from './roles-world.ts'
import { databaseTexts, findIn, processText, redisTexts } from './scan.ts'

type Text = readonly [place: string, text: string]

const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href
const program = fileURLToPath(new URL('../../dev/rehome.ts', import.meta.url))
let file: PlanFile

beforeAll(async () => {
  file = await writePlanFile(`['acme', 'other']`)
})

afterAll(async () => await file[Symbol.asyncDispose]())

/** A worker as a user would start it. */
async function startWorker(world: RolesWorld) {
  const env = { PATH: process.env.PATH ?? '', ...world.environment, LOG_LEVEL: 'trace' }
  const child = spawn(process.execPath, ['--import', tsx, program, 'worker', file.path], { env })
  onTestFinished(() => void child.kill('SIGKILL'))
  const written: string[] = []
  child.stdout.on('data', (bytes) => written.push(String(bytes)))
  child.stderr.on('data', (bytes) => written.push(String(bytes)))
  const closed = once(child, 'close')
  await eventually(() => expect(written.join('')).toContain('"ready"'), { withinMs: 40_000 })
  return {
    ...{ pid: child.pid ?? 0, text: () => written.join('') },
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM')
      await closed
    },
  }
}

/** The mover is thrown out, and may come in again only as `change` has it. */
async function disturb(world: RolesWorld, end: End, change: string): Promise<void> {
  await world.control.pool.query(change)
  const query = 'select pg_terminate_backend(pid) from pg_stat_activity where usename = $1'
  await world[end].pool.query(query, [world.roleAt(end, 'mover')])
}

/** A move, a wrong password, a retry, a refused rollback, a database that is down. */
async function live(world: RolesWorld): Promise<string> {
  const mover = pg.escapeIdentifier(world.roleAt('target', 'mover'))
  const run = (await world.rehome.enqueue(file.plan)).runId ?? ''
  const phaseOf = async () => [...(await ended(world, run)).values()].map(({ phase }) => phase)
  expect(await phaseOf()).toEqual(['moved', 'moved'])
  const write = `insert into visits values ('other', '2026-06-01', 1)`
  await world.poolAt('target', 'application').query(write)
  await world.rehome.rollback(run, { tenants: ['other'] })
  expect((await ended(world, run)).get('other')).toMatchObject({
    error_code: 'WRITES_WOULD_BE_LOST',
  })

  const failures = [
    [`alter role ${mover} password 'another'`, 'ACCESS_DENIED'],
    [`alter database ${world.target.name} allow_connections false`, 'DATABASE_ERROR'],
  ] as const
  for (const [change, code] of failures) {
    await disturb(world, 'target', change)
    // The worker may use a connection before it hears that this one is gone.
    await eventually(async () => {
      await world.rehome.rollback(run, { tenants: ['acme'] })
      expect((await ended(world, run)).get('acme')).toMatchObject({ error_code: code })
    })
    await world.control.pool.query(`alter database ${world.target.name} allow_connections true`)
    await world.control.pool.query(`alter role ${mover} password ${pg.escapeLiteral(password)}`)
  }
  await world.rehome.rollback(run, { tenants: ['acme'] })
  expect((await ended(world, run)).get('acme')).toMatchObject({ phase: 'rolled_back' })
  return run
}

/** Every mistake that a command line can be given with a password in it. */
async function mistakes(world: RolesWorld): Promise<Text[]> {
  const { environment } = world
  const wrong = (name: string, change: (url: URL) => void): [string, NodeJS.ProcessEnv] => {
    const url = new URL(environment[name] ?? '')
    change(url)
    return [name, { ...environment, [name]: url.href, LOG_LEVEL: 'trace' }]
  }
  const unknown = (url: URL) => void Object.assign(url, { username: 'nobody' })
  const broken = `postgres://mover:${password}@127.0.0.1/database`
  const redis = `redis://:${encodeURIComponent(password)}@127.0.0.1:1`
  const cases: [string, NodeJS.ProcessEnv][] = [
    wrong('SOURCE_URL', unknown),
    ['a target URL that is none', { ...environment, TARGET_URL: broken }],
    ['a Redis that is down', { ...environment, REDIS_URL: redis, LOG_LEVEL: 'trace' }],
  ]
  return await Promise.all(
    cases.map(async ([name, env]): Promise<Text> => {
      const { code, out, error } = await command(['enqueue', file.path], env)
      expect(code, `${name}: ${out}${error}`).not.toBe(0)
      return [`rehome with ${name}`, out + error]
    }),
  )
}

async function pages(world: RolesWorld, run: string): Promise<Text[]> {
  const lines: string[] = []
  const destination = { write: (line: string) => void lines.push(line) }
  const log = createLog({ level: 'trace', destination })
  await using board = await openBoard(world, { ...tokens, log })
  const headers = bearer(tokens.viewerToken)
  const own = ['acme', 'other'].map((tenant) => tenantPath(run, tenant))
  const queues = ['rehome-moves', 'rehome-rollbacks'].map((q) => `/api/queues?activeQueue=${q}`)
  const paths = [
    '/',
    '/queue/rehome-moves',
    ...queues,
    ...own,
    ...own.map((path) => `${path}.json`),
  ]
  const found: Text[] = []
  for (const path of paths) {
    const { status, text, headers: sent } = await ask(board, path, { headers })
    expect(status, path).toBe(200)
    found.push([`page ${path}`, `${JSON.stringify(sent)}${text}`])
  }
  const { text } = await ask(board, `/?token=${tokens.token}x`)
  return [...found, ['page for a stranger', text], ["the board's log", lines.join('')]]
}

describeOnBackends('what was given in secret', (backend) => {
  test('is found nowhere, whatever succeeded or failed', async () => {
    await using world = await createRolesWorld({ backend })
    for (const tenant of ['acme', 'other']) await world.addTenant(tenant, 2)
    await using worker = await startWorker(world)
    const run = await live(world)
    const environment = { ...world.environment, CONTROL_URL: `${world.environment.CONTROL_URL}x` }
    const thrown: unknown = await open({ environment }).catch((error: unknown) => error)
    const shown = await processText(worker.pid)
    const texts: Text[] = [
      ...(await pages(world, run)),
      ...(await databaseTexts(world.control.pool)),
      ...(await databaseTexts(world.source.pool)),
      ...(await databaseTexts(world.target.pool)),
      ['an error', messageOf(thrown)],
      ['the process', shown ?? ''],
      ["the worker's output", worker.text()],
    ]
    const { prefix } = world.rehome.queues.store
    if (backend.redisUrl) texts.push(...(await redisTexts(backend.redisUrl, prefix)))
    const redisPassword = backend.redisUrl
      ? decodeURIComponent(new URL(backend.redisUrl).password)
      : ''
    const secrets = [password, tokens.token, tokens.viewerToken, redisPassword].filter(Boolean)
    expect(findIn(texts, secrets)).toEqual([])
    expect(worker.text()).toContain('password authentication failed')
    expect(texts.filter(([, text]) => text.includes('acme')).length).toBeGreaterThan(8)
  }, 120_000)
})

test('a password in a URL that does not work is not told to anybody', async () => {
  await using world = await createRolesWorld()
  for (const tenant of ['acme', 'other']) await world.addTenant(tenant, 2)
  expect(findIn(await mistakes(world), [password])).toEqual([])
}, 120_000)

test('the search finds a secret that was left in a table, in a log, or in a process', async () => {
  await using database = await createDatabase()
  await database.pool.query('create table left_here (a int, b jsonb, c text[])')
  const row = [{ deep: [`postgres://a:${encodeURIComponent(password)}@b`] }, [`x${password}`]]
  await database.pool.query('insert into left_here values (1, $1, $2)', row)
  const where = findIn(await databaseTexts(database.pool), [password])
  expect(where).toContain(`table left_here: ${password}`)
  expect(where).toContain(`table left_here: ${encodeURIComponent(password)}`)
  const line = JSON.stringify({ msg: `it is ${password}` })
  expect(findIn([['log', line]], [password])).not.toEqual([])
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)', password])
  const shown = await processText(child.pid ?? 0)
  child.kill('SIGKILL')
  if (shown !== null) expect(findIn([['process', shown]], [password])).not.toEqual([])
})

const [redisBackend] = queueBackends()

test.skipIf(redisBackend?.skip)('the search finds a secret in every type of a Redis', async () => {
  const url = redisBackend?.redisUrl ?? ''
  const prefix = uniquePrefix()
  const redis = new Redis(url)
  await redis.set(`${prefix}:string`, password)
  await redis.hset(`${prefix}:hash`, { field: password })
  await redis.rpush(`${prefix}:list`, 'x', password)
  await redis.sadd(`${prefix}:set`, password)
  await redis.zadd(`${prefix}:zset`, 1, password)
  await redis.xadd(`${prefix}:stream`, '*', 'field', password)
  await redis.set(`${prefix}:${password}`, 'a key')
  const found = findIn(await redisTexts(url, prefix), [password])
  for (const key of await redis.keys(`${prefix}:*`)) await redis.del(key)
  redis.disconnect()
  const types = ['string', 'hash', 'list', 'set', 'zset', 'stream']
  for (const type of types) expect(found.join('\n')).toContain(`Redis ${prefix}:${type}: `)
  expect(new Set(found.map((line) => line.split(': ')[0])).size).toBe(types.length + 1)
})

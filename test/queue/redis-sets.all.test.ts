// Redis as people run it: a failover in the midst of a run loses no tenant and no job for good.
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { freePort } from '../../dev/free-port.ts'
import { startRedis } from '../../dev/redis/redis.ts'
import { findRedisProgram } from '../../dev/redis/redis-program.ts'
import { openLibrary } from '../../src/coordinator/rehome.ts'
import { eventually } from '../helpers/eventually.ts'
import { type Folder, openFolder } from '../helpers/processes/folder.ts'
import { startCluster, startSentinelSet } from '../helpers/processes/redis-sets.ts'
import { ended, expectHome } from '../helpers/runs.ts'
import { createWorld } from '../helpers/world.ts'

const without = findRedisProgram() ? '' : ', skipped: no program of it is installed'
const tenants = Array.from({ length: 60 }, (_, i) => `t${i}`)

describe.skipIf(without !== '')(`a run${without}`, () => {
  test('behind Sentinels goes on when the master dies in its midst', async () => {
    await using set = await startSentinelSet()
    await expectFailover(set.url, set.killMaster)
  }, 180_000)

  test('in a Cluster goes on when the master of its queues dies in its midst', async () => {
    await using cluster = await startCluster()
    await expectFailover(cluster.url, (key) => cluster.killMasterOf(key))
  }, 180_000)
})

async function expectFailover(redisUrl: string, kill: (key: string) => Promise<void>) {
  const backend = { name: 'redis', redisUrl } as const
  await using world = await createWorld({ backend, plan: { concurrency: 2 } })
  for (const tenant of tenants) await world.addTenant(tenant, 1)
  const { queues } = world.rehome
  expect(await queues.evictionPolicy()).toBe('noeviction')
  const { runId } = await world.rehome.enqueue(world.plan())
  await using _one = await world.work()
  await using _two = await world.work()
  const moved = async () =>
    (await world.rehome.status(runId ?? '')).moves.filter(({ phase }) => phase === 'moved').length
  await eventually(async () => expect(await moved()).toBeGreaterThan(3), { withinMs: 30_000 })
  await kill(queues.store.prefix)
  expect(await moved()).toBeLessThan(tenants.length)
  const moves = await ended(world, runId)
  for (const move of moves.values()) expect(move).toMatchObject({ phase: 'moved' })
  await expectHome(world, 't59', 'target')
  // Steering and further errands find the new master, too.
  await world.rehome.limitMoves(3)
  expect(await queues.byErrand.move.getGlobalConcurrency()).toBe(3)
  const back = await world.rehome.rollback(runId ?? '', { tenants: ['t0'] })
  expect(back.tenants).toEqual(['t0'])
  expect((await ended(world, runId)).get('t0')).toMatchObject({ phase: 'rolled_back' })
}

test.skipIf(without !== '')('a user who may reach the keys of rehome alone does', async () => {
  const rights = '~{rehome-*}:* &* +@all -@admin -@dangerous +info +client|setname'
  await using server = await startRedis({
    ...{ name: 'acl', settings: { 'user mover': `on >hush ${rights}` } },
  })
  const redisUrl = server.url.replace(/\/\/:[^@]*@/, '//mover:hush@')
  await using world = await createWorld({ backend: { name: 'redis', redisUrl } })
  await world.addTenant('a', 1)
  await using _worker = await world.work()
  const { runId } = await world.rehome.enqueue(world.plan())
  expect((await ended(world, runId)).get('a')).toMatchObject({ phase: 'moved' })
  await world.rehome.limitMoves(2)
})

async function certified(folder: Folder) {
  const [cert, key] = [join(folder.path, 'cert.pem'), join(folder.path, 'key.pem')]
  const names = 'subjectAltName=IP:127.0.0.1'
  await promisify(execFile)('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
    ...['-keyout', key, '-out', cert, '-days', '2', '-subj', '/CN=test', '-addext', names],
  ])
  return { cert, key }
}

test.skipIf(without !== '')('TLS checks the certificate by its own authority', async () => {
  const folder = await openFolder('certificates-')
  const { cert, key } = await certified(folder)
  const port = await freePort()
  const files = { 'tls-cert-file': cert, 'tls-key-file': key, 'tls-ca-cert-file': cert }
  const settings = { ...files, 'tls-port': port, 'tls-auth-clients': 'no' }
  await using server = await startRedis({ name: 'tls', settings })
  const url = server.url.replace('redis:', 'rediss:').replace(`:${server.port}`, `:${port}`)
  const redisUrl = `${url}?tlsCa=${cert}`
  await using world = await createWorld({ backend: { name: 'redis', redisUrl } })
  await world.addTenant('a', 1)
  await using _worker = await world.work()
  const { runId } = await world.rehome.enqueue(world.plan())
  expect((await ended(world, runId)).get('a')).toMatchObject({ phase: 'moved' })
  const environment = { ...world.environment, REDIS_URL: url }
  await using stranger = await openLibrary({ environment })
  await expect(stranger.queues.ready()).rejects.toMatchObject({ code: 'UNREACHABLE' })
  await folder.remove()
})

// The forms of REDIS_URL: what each of them connects to.
import { Cluster } from 'ioredis'
import { describe, expect, test } from 'vitest'
import { connectRedis, refuseBadRedisUrl } from '../../src/queue/redis-url.ts'
import { openFolder } from '../helpers/processes/folder.ts'

function connected(url: string) {
  refuseBadRedisUrl(url)
  const redis = connectRedis(url, 'worker')
  redis.on('error', () => {})
  redis.disconnect()
  return redis
}

const optionsOf = (url: string) => connected(url).options

describe('Sentinels', () => {
  test('are all known, with the name of the master and both passwords', () => {
    const hosts = 'one,two:26380,[::1]:26381'
    const url = `redis+sentinel://me:p%40ss@${hosts}/main/2?sentinelPassword=other&sentinelUsername=s`
    expect(optionsOf(url)).toMatchObject({
      sentinels: [
        { host: 'one', port: 26379 },
        { host: 'two', port: 26380 },
        { host: '::1', port: 26381 },
      ],
      ...{ name: 'main', db: 2, username: 'me', password: 'p@ss' },
      ...{ sentinelUsername: 's', sentinelPassword: 'other', maxRetriesPerRequest: null },
    })
  })

  test('are reached by TLS as their servers are', () => {
    const url = 'rediss+sentinel://one/main'
    expect(optionsOf(url)).toMatchObject({
      ...{ tls: {}, sentinelTLS: {}, enableTLSForSentinelMode: true, db: 0 },
    })
    expect(optionsOf('redis+sentinel://one/main')).not.toMatchObject({ sentinelTLS: {} })
  })
})

test('servers of a Cluster are known with what their connections need', () => {
  const url = 'rediss+cluster://me:p%40ss@one,two:7001,[::1]'
  const cluster = connected(url)
  expect(cluster).toBeInstanceOf(Cluster)
  expect(cluster).toMatchObject({
    startupNodes: [
      { host: 'one', port: 6379 },
      { host: 'two', port: 7001 },
      { host: '::1', port: 6379 },
    ],
  })
  const redisOptions = { username: 'me', password: 'p@ss', maxRetriesPerRequest: null, tls: {} }
  expect(cluster.options).toMatchObject({ redisOptions })
  const plain = { redisOptions: { tls: expect.anything() } }
  expect(optionsOf('redis+cluster://one')).not.toMatchObject(plain)
})

test('certificates are read from files', async () => {
  const folder = await openFolder('certificates-')
  const ca = await folder.write('ca.pem', 'text')
  const certificates = { tls: { ca: Buffer.from('text') } }
  expect(optionsOf(`rediss://me:secret@one:1/3?tlsCa=${ca}`)).toMatchObject({
    ...{ host: 'one', db: 3, username: 'me', ...certificates },
  })
  expect(optionsOf(`rediss+sentinel://one/main?tlsCa=${ca}`)).toMatchObject(certificates)
  expect(() => optionsOf('rediss://one?tlsKey=/nowhere')).toThrow('`tlsKey` in REDIS_URL cannot')
  await folder.remove()
})

test.each([
  ['redis+sentinel://:hush@one', 'has to end with the name of the master'],
  ['redis+sentinel://:hush@one/main/first', 'has to end with the name of the master'],
  ['redis+sentinel://:hush@one/main/1/2', 'has to end with the name of the master'],
  ['redis+sentinel://:hush@one:x/main', 'a port that is no number'],
  ['redis+sentinel://:hush@one,,two/main', 'a host without a name'],
  ['redis+cluster://:hush@one/main', 'a Cluster has no databases'],
  ['redis+cluster://:hush@one:x', 'a port that is no number'],
  ['redis+ring://:hush@one', 'is not a redis:// URL'],
  ['redis+sentinel://:hush%@one/main', 'a % that begins no escape'],
])('%s is refused, without its password', (url, message) => {
  expect(() => refuseBadRedisUrl(url)).toThrow(message)
  expect(() => refuseBadRedisUrl(url)).not.toThrow('hush')
})

import { Redis } from 'ioredis'
import { describe, expect, test, vi } from 'vitest'
import { findRedis, startRedis } from '../../dev/redis/redis.ts'
import { findRedisProgram } from '../../dev/redis/redis-program.ts'
import { isAlive } from '../helpers/processes/processes.ts'

const without = findRedisProgram() ? '' : ', skipped: no program of it is installed'

describe.skipIf(without !== '')(`a Redis server${without}`, () => {
  test('answers, evicts nothing, and has forgotten everything after a crash', async () => {
    await using server = await startRedis({ name: 'redis-answers' })
    const { pid, port } = server
    expect(await ask(server.url, ['set', 'key', 'value'])).toBe('OK')
    expect(await ask(server.url, ['config', 'get', 'maxmemory-policy'])).toContain('noeviction')
    await server.restart()
    expect(await ask(server.url, ['get', 'key'])).toBeNull()
    expect(server.port).toBe(port)
    expect(server.pid).not.toBe(pid)
  })

  test('refuses clients without its password', async () => {
    await using server = await startRedis({ name: 'redis-password' })
    const url = `redis://127.0.0.1:${server.port}`
    await expect(ask(url, ['get', 'key'])).rejects.toThrow('NOAUTH')
  })

  test('keeps what it holds over a crash if told to write everything down', async () => {
    const settings = { appendonly: 'yes', appendfsync: 'always' }
    await using server = await startRedis({ name: 'redis-kept', settings })
    await ask(server.url, ['set', 'key', 'value'])
    await server.restart('immediate')
    expect(await ask(server.url, ['get', 'key'])).toBe('value')
  })

  test('leaves no process when it is stopped', async () => {
    const server = await startRedis({ name: 'redis-stopped' })
    const { pid } = server
    await server.stop()
    expect(isAlive(pid)).toBe(false)
  })

  test('named by REDIS_URL is used as it is, and goes on when the user is done', async () => {
    await using server = await startRedis({ name: 'redis-given' })
    const url = `${server.url}/3`
    await ask(url, ['set', 'key', 'value'])
    const found = await findRedisAt(url)
    if ('missing' in found) throw new Error(found.missing)
    expect(found).toMatchObject({ url, origin: 'REDIS_URL' })
    await found.stop()
    expect(await ask(url, ['get', 'key'])).toBe('value')
  })
})

test('a REDIS_URL without a server is reported as missing, and not replaced', async () => {
  expect(await findRedisAt('redis://127.0.0.1:1')).toEqual({
    missing: expect.stringContaining('REDIS_URL names does not answer: connect ECONNREFUSED'),
  })
})

async function findRedisAt(url: string): ReturnType<typeof findRedis> {
  vi.stubEnv('REDIS_URL', url)
  try {
    return await findRedis()
  } finally {
    vi.unstubAllEnvs()
  }
}

async function ask(url: string, [command = '', ...args]: string[]): Promise<unknown> {
  const client = new Redis(url, { lazyConnect: true, maxRetriesPerRequest: 0 })
  client.on('error', () => {})
  try {
    return await client.call(command, ...args)
  } finally {
    client.disconnect()
  }
}

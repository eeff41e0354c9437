import { existsSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { describe, expect, test, vi } from 'vitest'
import { startPostgres, systemPostgres } from '../../dev/postgres.ts'
import { directoriesOf, isAlive, makePlace } from '../helpers/processes/processes.ts'
import { query } from '../helpers/schemas/query.ts'

const [system] = await systemPostgres()

describe('a PostgreSQL server', () => {
  test('answers over TCP in UTF-8 and UTC, and folds letters beyond ASCII', async () => {
    await using server = await startPostgres({ name: 'answers' })
    const [row] = await query(
      server.url,
      `select lower('ÄÖ') as folded, current_setting('server_encoding') as encoding,
        current_setting('TimeZone') as zone, current_setting('cluster_name') as name`,
    )
    expect(row).toEqual({ folded: 'äö', encoding: 'UTF8', zone: 'UTC', name: 'answers' })
  })

  test('takes settings, and makes databases from a template', async () => {
    await using server = await startPostgres({ name: 'made', settings: { max_connections: 20 } })
    await server.createDatabase('a template')
    await query(server.urlOf('a template'), 'create table kept as select 1 as id')
    await server.createDatabase('a copy', { template: 'a template' })
    expect(await query(server.urlOf('a copy'), 'select id from kept')).toEqual([{ id: 1 }])
    expect(await query(server.url, 'show max_connections')).toEqual([{ max_connections: '20' }])
  })

  test('refuses a wrong password', async () => {
    await using server = await startPostgres({ name: 'password' })
    const url = new URL(server.url)
    url.password = 'wrong'
    await expect(query(url.href, 'select 1')).rejects.toMatchObject({ code: '28P01' })
  })

  test('keeps its port and what was committed when it crashes and is started again', async () => {
    await using server = await startPostgres({ name: 'crash' })
    const { pid, port, url } = server
    await query(url, 'create table kept as select 1 as id')
    for (const mode of ['immediate', 'fast'] as const) {
      await server.restart(mode)
      expect(await query(url, 'select id from kept')).toEqual([{ id: 1 }])
    }
    expect(server.port).toBe(port)
    expect(server.pid).not.toBe(pid)
  })

  test('refuses connections while it is down, and is back after up', async () => {
    await using server = await startPostgres({ name: 'down' })
    await server.down()
    expect(server.pid).toBeUndefined()
    await expect(query(server.url, 'select 1')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    await server.up()
    expect(await query(server.url, 'select 1 as one')).toEqual([{ one: 1 }])
  })

  test('leaves no process and no directory when it is stopped with clients connected', async () => {
    const server = await startPostgres({ name: 'stopped' })
    const { pid } = server
    const client = new pg.Client(server.url)
    client.on('error', () => {})
    await client.connect()
    await server.stop()
    await server.stop()
    expect(isAlive(pid)).toBe(false)
    expect(existsSync(server.directory)).toBe(false)
  })

  test('keeps a directory that was named, and starts from it again', async () => {
    await using place = await makePlace()
    const directory = join(place.path, 'kept')
    {
      await using server = await startPostgres({ name: 'first', directory })
      await query(server.url, 'create table kept as select 1 as id')
    }
    await using server = await startPostgres({ name: 'second', directory })
    expect(await query(server.url, 'select id from kept')).toEqual([{ id: 1 }])
    expect(await query(server.url, 'show cluster_name')).toEqual([{ cluster_name: 'second' }])
  })

  test('does not meet others that start at the same time', async () => {
    const names = ['one', 'two', 'three']
    const servers = await Promise.all(names.map((name) => startPostgres({ name })))
    try {
      expect(new Set(servers.map(({ port }) => port)).size).toBe(3)
      const answers = await Promise.all(servers.map(({ url }) => query(url, 'show cluster_name')))
      expect(answers.flat().map((row) => row.cluster_name)).toEqual(names)
    } finally {
      await Promise.all(servers.map((server) => server.stop()))
    }
  })

  test('says what the server wrote when it cannot start, and leaves nothing behind', async () => {
    await using place = await makePlace()
    vi.stubEnv('TMPDIR', place.path)
    try {
      const start = startPostgres({ name: 'broken', settings: { shared_buffers: 'a lot' } })
      await expect(start).rejects.toThrow('invalid value for parameter "shared_buffers"')
    } finally {
      vi.unstubAllEnvs()
    }
    expect(await directoriesOf('broken', place.path)).toEqual([])
  })

  test.skipIf(!system)(`runs from the system's programs (${system?.bin ?? 'none'})`, async () => {
    if (!system) return
    await using server = await startPostgres({ name: 'system', binaries: system })
    expect(server.major).toBe(system.major)
    const [row] = await query(server.url, 'show server_version_num')
    expect(Math.floor(Number(row?.server_version_num) / 10_000)).toBe(system.major)
  })
})

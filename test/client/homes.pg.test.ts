// Where tenants live, as the application sees it while they move.
import { randomUUID } from 'node:crypto'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import pg from 'pg'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { findPgbouncer, startPgbouncer } from '../../dev/pgbouncer.ts'
import { createHomes } from '../../src/client/index.ts'
import * as flags from '../../src/ends/postgres/fence/tenant-flags.ts'
import { placeOf } from '../../src/place.ts'
import { createHomesWorld, type HomesWorld } from '../helpers/client/homes-world.ts'
import { eventually } from '../helpers/eventually.ts'
import { claimTarget } from '../helpers/fenced.ts'
import { ended, runAll } from '../helpers/runs.ts'
import { createWorld } from '../helpers/world.ts'

let at: HomesWorld

beforeEach(async () => {
  at = await createHomesWorld()
})

afterEach(async () => {
  await at[Symbol.asyncDispose]()
})

describe('where a tenant lives', () => {
  test('is found by the flags, before, during and after its move and its return', async () => {
    await at.world.work()
    const homes = at.openHomes()
    expect(await homes.of('acme')).toMatchObject({ name: 'old' })
    await eventually(() => expect(homes.isListening()).toBe(true))
    const runId = await runAll(at.world, ['acme'])
    await eventually(async () => expect((await homes.of('acme')).name).toBe('next'))
    expect((await homes.of('beta')).name).toBe('old')
    // Of a process that has begun since.
    expect((await at.openHomes().of('acme')).name).toBe('next')
    await at.world.rehome.rollback(runId, { tenants: ['acme'] })
    await ended(at.world, runId)
    await eventually(async () => expect((await homes.of('acme')).name).toBe('old'))
  })

  test('is asked once, not for every request, and again at once when it changes', async () => {
    const homes = at.openHomes()
    await homes.of('acme')
    await eventually(() => expect(homes.isListening()).toBe(true))
    await homes.of('acme')
    const before = at.looks()
    await Promise.all(Array.from({ length: 100 }, () => homes.of('acme')))
    expect(at.looks()).toBe(before)
    const { cutOver } = await at.fence()
    await eventually(async () =>
      expect(await homes.look('acme')).toMatchObject({ mode: 'read_only' }),
    )
    await cutOver()
    await eventually(async () => expect((await homes.of('acme')).name).toBe('next'))
  })

  test('is known after a second where nothing is heard', async () => {
    const homes = at.openHomes({ listen: false, stale: { unheard: '50ms' } })
    expect((await homes.of('acme')).name).toBe('old')
    const { cutOver } = await at.fence()
    await cutOver()
    expect(homes.isListening()).toBe(false)
    await eventually(async () => expect((await homes.of('acme')).name).toBe('next'))
  })

  test('is known though the connection that hears of it was lost', async () => {
    const homes = at.openHomes({ stale: { heard: '1h', unheard: '50ms' } })
    await homes.of('acme')
    await eventually(() => expect(homes.isListening()).toBe(true))
    const end = `select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and query like 'listen%' and pid <> pg_backend_pid()`
    expect((await at.world.source.pool.query(end)).rowCount).toBe(1)
    const { cutOver } = await at.fence()
    await cutOver()
    await eventually(async () => expect((await homes.of('acme')).name).toBe('next'))
    await eventually(() => expect(homes.isListening()).toBe(true))
  })

  test('is the other home while the tenant is only about to come back', async () => {
    const { raise, cutOver } = await at.fence()
    await cutOver()
    expect((await at.openHomes().of('acme')).name).toBe('next')
    const claim = { ...raise, token: randomUUID(), ours: [raise.moveId], retryAfterS: 3 }
    expect(await claimTarget(at.world.source.pool, claim)).not.toBeNull()
    const homes = at.openHomes()
    expect((await homes.of('acme')).name).toBe('next')
    expect(await homes.look('acme')).toBeNull()
  })

  test('and a place that is none of the homes is an error with advice', async () => {
    const { raise } = await at.fence()
    await flags.markMoved(at.world.source.pool, raise, 'db9:5432/app')
    await expect(at.openHomes().of('acme')).rejects.toMatchObject({
      code: 'SETTING_MISSING',
      message: expect.stringMatching(/moved to db9:5432\/app.*"old".*place: "db9:5432\/app"/),
    })
    const named = createHomes({
      homes: {
        old: { db: 'old', pool: at.poolAt(at.world.source.url) },
        next: { db: 'next', place: 'db9:5432/app' },
      },
    })
    at.use(named)
    expect(await named.of('acme')).toEqual({ name: 'next', db: 'next' })
  })

  test('is found where both models live in one database, and comes back there', async () => {
    const pool = at.poolAt(at.world.source.url)
    const old = { db: 'old', pool }
    const next = { db: 'next', pool, scope: 'two' }
    const homes = at.use(createHomes({ homes: { next, old }, first: 'old', listen: false }))
    const place = placeOf(at.world.source.url)
    const flag = (scope: string, to: string) =>
      at.world.source.pool.query(
        `insert into rehome.tenant_flags (scope, tenant_id, mode, token, epoch, move_id, reason,
          retry_after_s, moved_to) values ($1, 'acme', 'moved', gen_random_uuid(),
          gen_random_uuid(), gen_random_uuid(), 'moved', 1, $2)`,
        [scope, to],
      )
    await flag('default', `${place} (two)`)
    expect((await homes.of('acme')).name).toBe('next')
    await at.world.source.pool.query('delete from rehome.tenant_flags')
    await flag('two', place)
    await eventually(async () => expect((await homes.of('acme')).name).toBe('old'))
  })

  test('is the first home where rehome is not installed', async () => {
    await using bare = await createWorld({ bare: true })
    const homes = at.use(createHomes({ homes: { only: { db: at.poolAt(bare.source.url) } } }))
    expect((await homes.of('acme')).name).toBe('only')
    expect(await homes.run('acme', async () => 'done')).toBe('done')
  })

  test.skipIf(!findPgbouncer())(
    'is known behind a pooler that swallows notifications',
    async () => {
      const settings = { ignore_startup_parameters: 'extra_float_digits,options' }
      const program = findPgbouncer() ?? ''
      const through = at.use(await startPgbouncer(program, { url: at.world.source.url, settings }))
      const place = placeOf(at.world.target.url)
      const homes = at.use(
        createHomes({
          homes: {
            old: { db: at.poolAt(through.url) },
            next: { db: at.poolAt(at.world.target.url), place },
          },
          stale: { unheard: '50ms' },
        }),
      )
      expect((await homes.of('acme')).name).toBe('old')
      const { cutOver } = await at.fence()
      await cutOver()
      await eventually(async () => expect((await homes.of('acme')).name).toBe('next'))
      expect(homes.isListening()).toBe(false)
    },
  )
})

test('closing does not wait for a home that says nothing, and no connection is left', async () => {
  const sockets = new Set<Socket>()
  const silent = createServer((socket) => {
    sockets.add(socket)
    socket.resume().on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
  const { port } = silent.address() as AddressInfo
  const options = { host: '127.0.0.1', port, database: 'x', user: 'x' }
  const pool = { Client: pg.Client, options, query: async () => ({ rows: [] }) }
  const homes = createHomes({ homes: { only: { db: 'x', pool } } })
  await homes.of('acme')
  await eventually(() => expect(sockets.size).toBe(1))
  await homes.close()
  await eventually(() => expect(sockets.size).toBe(0))
  silent.close()
})

test.each([
  [{ homes: {} }, /is none of the homes: there are none/],
  [{ homes: { a: { db: 1 } } }, /home "a": give it a `pool`/],
  [{ homes: { a: { db: 1, place: 'x' } }, first: 'b' }, /"b" is none of the homes: "a"/],
  [{ homes: { a: { db: 1, place: 'x' } }, hold: '5' }, /"5" is no length of time/],
])('options that cannot be meant are refused: %j', (options, message) => {
  expect(() => createHomes(options)).toThrow(message)
})

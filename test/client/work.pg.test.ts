// Work for a tenant that goes on while the tenant moves.
import type pg from 'pg'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  createHomes,
  forEachWritableTenant,
  TenantReadOnlyError,
  whileWritable,
} from '../../src/client/index.ts'
import { createHomesWorld, type HomesWorld } from '../helpers/client/homes-world.ts'
import { eventually } from '../helpers/eventually.ts'

let at: HomesWorld

beforeEach(async () => {
  at = await createHomesWorld()
})

afterEach(async () => {
  await at[Symbol.asyncDispose]()
})

const save = (db: pg.Pool) => db.query(`update tenants set name = 'saved' where id = 'acme'`)

describe('work for a tenant', () => {
  test('waits while it is fenced, and goes on at the home that it has then', async () => {
    const homes = at.openHomes()
    const { cutOver } = await at.fence()
    const before = performance.now()
    const saved = homes.run('acme', async (db, home) => {
      await save(db)
      return home.name
    })
    await eventually(() => expect(homes.look('acme')).resolves.toMatchObject({ mode: 'read_only' }))
    await cutOver()
    expect(await saved).toBe('next')
    expect(performance.now() - before).toBeLessThan(5_000)
  })

  test('opens the new home where the worker that moved the tenant has died', async () => {
    const { cutOver } = await at.fence()
    await cutOver()
    expect(await at.modeAt('target')).toBe('receiving')
    await at.openHomes().run('acme', save)
    expect(await at.modeAt('target')).toBeUndefined()
  })

  test('of a process that knows nothing of the move is refused once, and follows', async () => {
    const homes = at.openHomes({ listen: false, stale: { unheard: '1h' } })
    await homes.run('acme', save)
    const { cutOver } = await at.fence()
    await cutOver()
    let tries = 0
    await homes.run('acme', async (db) => {
      tries += 1
      await save(db)
    })
    expect(tries).toBe(2)
  })

  test('goes on when a lease has lapsed, without a notification', async () => {
    await at.fence('acme', 300)
    await at.openHomes().run('acme', save)
  })

  test('is refused when the time is over, with the reason and the first error', async () => {
    const { lower } = await at.fence()
    const homes = at.openHomes({ hold: '100ms' })
    const refused = await homes.run('acme', save).catch((error: unknown) => error)
    expect(refused).toBeInstanceOf(TenantReadOnlyError)
    expect(refused).toMatchObject({ status: 503, retryAfterS: 3, cause: { code: '25006' } })
    await expect(homes.run('acme', save, { hold: 0 })).rejects.toThrow(TenantReadOnlyError)
    await homes.run('beta', (db) => db.query(`update tenants set name = 'b' where id = 'beta'`))
    await lower()
    await homes.run('acme', save)
  })

  test('is refused at once where too many are waiting', async () => {
    const { lower } = await at.fence()
    const homes = at.openHomes({ waiters: 3 })
    const work = Array.from({ length: 5 }, () => homes.run('acme', save).then(() => 'saved'))
    const settled = Promise.allSettled(work)
    const refused: unknown[] = []
    for (const one of work) one.catch((error: Error) => refused.push(error.name))
    await eventually(() => expect(refused).toEqual(['TenantReadOnlyError', 'TenantReadOnlyError']))
    await lower()
    const results = await settled
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(3)
  })

  test('ends when it is aborted', async () => {
    await at.fence()
    const stop = new AbortController()
    const work = at.openHomes().run('acme', save, { signal: stop.signal })
    stop.abort(new Error('gone'))
    await expect(work).rejects.toThrow('gone')
  })

  test('is not waited for where it was refused for another tenant', async () => {
    await at.fence('beta')
    const writeBeta = (db: pg.Pool) => db.query(`update tenants set name = 'b' where id = 'beta'`)
    const refused = at.openHomes().run('acme', writeBeta)
    await expect(refused).rejects.toMatchObject({ code: '25006', hint: 'rehome:fenced' })
  })

  test("is begun again after a serialization failure, and other errors are the caller's", async () => {
    const homes = at.openHomes()
    const { lower } = await at.fence('beta')
    await lower()
    let tries = 0
    const work = async (db: pg.Pool) => {
      const client = await db.connect()
      try {
        await client.query('begin isolation level serializable')
        await client.query(`select from tenants where id = 'acme'`)
        tries += 1
        if (tries === 1)
          await at.world.source.pool.query(`update tenants set name = 'x' where id = 'acme'`)
        await client.query(`update tenants set name = 'y' where id = 'acme'`)
        await client.query('commit')
      } catch (error) {
        await client.query('rollback')
        throw error
      } finally {
        client.release()
      }
    }
    await homes.run('acme', work)
    expect(tries).toBe(2)
    await expect(homes.run('acme', (db) => db.query('select 1/0'))).rejects.toMatchObject({
      code: '22012',
    })
  })

  test('does not wait where the whole application is read-only for an unknown time', async () => {
    const query = `insert into rehome.tenant_flags (scope, tenant_id, mode, token, epoch, move_id,
      reason, retry_after_s, expires_at) values ('default', '*', 'read_only', gen_random_uuid(),
      gen_random_uuid(), gen_random_uuid(), 'closed', 60, $1)`
    await at.world.source.pool.query(query, ['infinity'])
    const homes = at.openHomes()
    await expect(homes.run('acme', save)).rejects.toMatchObject({ status: 403 })
    await at.world.source.pool.query(`delete from rehome.tenant_flags where tenant_id = '*'`)
    await at.world.source.pool.query(query, [new Date(Date.now() + 300)])
    await homes.run('acme', save)
  })

  test('waits although flags cannot be asked for just now, and says what refused it', async () => {
    const { lower } = await at.fence()
    const real = at.poolAt(at.world.source.url)
    let silent = false
    const pool = {
      query: (text: string, values: unknown[]) =>
        silent ? new Promise<never>(() => {}) : real.query(text, values),
    }
    const homes = at.use(
      createHomes({ homes: { only: { db: real, pool, place: 'x' } }, stale: { unheard: '1h' } }),
    )
    await homes.of('acme')
    silent = true
    await expect(homes.untilWritable('acme', { ms: 100 })).resolves.toBe(false)
    const refused = homes.run('acme', save, { hold: '300ms' })
    await expect(refused).rejects.toMatchObject({ name: 'TenantReadOnlyError' })
    const saved = homes.run('acme', save, { hold: '1m' })
    silent = false
    await lower()
    await saved
  })

  test('that runs in the background steps aside at once', async () => {
    await at.fence()
    const homes = at.openHomes({ hold: '1m' })
    const sweep = await forEachWritableTenant(['acme', 'beta'], (tenant) =>
      homes.run(tenant, (db) => db.query('update tenants set name = name where id = $1', [tenant])),
    )
    expect(sweep).toMatchObject({ done: ['beta'], skipped: [{ tenant: 'acme' }], failed: [] })
  })

  test('that goes where its tenant no longer lives fails, and is not put off', async () => {
    const { cutOver } = await at.fence()
    await cutOver()
    const old = at.poolAt(at.world.source.url)
    const sweep = await forEachWritableTenant(['acme'], () => save(old))
    expect(sweep).toMatchObject({ skipped: [], failed: [{ error: { code: '25006' } }] })
    const moved = { moveToDelayed: async () => expect.unreachable('it was put off') }
    const job = whileWritable(() => save(old), { tenantOf: () => 'acme' })
    await expect(job(moved)).rejects.toMatchObject({ code: '25006' })
  })

  test('by many at once costs the database few looks', async () => {
    const { lower } = await at.fence()
    const homes = at.openHomes({ hold: '1m' })
    let refusals = 0
    const work = Array.from({ length: 200 }, () =>
      homes.run('acme', async (db) => {
        refusals += 1
        await save(db)
      }),
    )
    await eventually(() => expect(refusals).toBeGreaterThanOrEqual(200))
    const before = at.looks()
    const since = performance.now()
    await eventually(() => expect(at.looks()).toBeGreaterThan(before + 3))
    // One in 10 ms at the most, however many wait.
    expect(at.looks() - before).toBeLessThan(10 + (performance.now() - since) / 10)
    await lower()
    await Promise.all(work)
  })
})

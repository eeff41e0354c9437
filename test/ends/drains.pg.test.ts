// The contract of writers who are waited for, asked of each kind of end.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newTenant } from '../helpers/ends/flag-states.ts'
import { kinds, openTestEnd, type TestEnd } from '../helpers/ends/kinds.ts'
import { type At, lookAt, rowsIn } from '../helpers/ends/tenant-rows.ts'

let lastId = 0

describe.each(kinds)('%s', (kind) => {
  let end: TestEnd
  let at: At
  beforeAll(async () => {
    end = await openTestEnd(kind)
    at = await lookAt(end)
  })
  afterAll(() => end[Symbol.asyncDispose]())
  const withoutApi = test.skipIf(kind === 'api')
  const withApi = test.runIf(kind === 'api')
  const query = (text: string, values: unknown[] = []) => end.database.pool.query(text, values)
  const entries = (tenant: string) => rowsIn(at, 'entries', tenant)

  const addEntries = async (tenant: string, count: number): Promise<string[]> => {
    const from = lastId + 1
    lastId += count
    await query(
      `insert into entries (id, account, at, text, price)
       select g, $1, 'epoch', 'text ' || g, 1.50 from generate_series($2::int, $3::int) g`,
      [tenant, from, lastId],
    )
    return Array.from({ length: count }, (_, i) => String(from + i))
  }

  const signal = new AbortController().signal

  withoutApi('a drain waits for active writers of the tenant only', async () => {
    const tenant = newTenant()
    const drainMs = 10_000
    expect((await at.rows.drain({ tenant, drainMs, signal })).waitedMs).toBeLessThan(drainMs)
    const writer = await end.database.pool.connect()
    await writer.query('begin')
    lastId += 1
    await writer.query(`insert into entries (id, account, at) values ($1, $2, 'epoch')`, [
      lastId,
      tenant,
    ])
    const drained = at.rows.drain({ tenant, drainMs, signal }).then(() => 'drained')
    // Those of other tenants go on meanwhile.
    await addEntries(newTenant(), 1)
    const first = await Promise.race([
      drained,
      writer.query('select pg_sleep(0.1)').then(() => 'waiting'),
    ])
    await writer.query('commit')
    writer.release()
    expect([first, await drained]).toEqual(['waiting', 'drained'])
    expect(await at.rows.counts([entries(tenant)])).toEqual([1])
  })

  withoutApi('a drain names who writes longer than it waits', async () => {
    const tenant = newTenant()
    const writer = await end.database.pool.connect()
    await writer.query('begin')
    lastId += 1
    await writer.query(`insert into entries (id, account, at) values ($1, $2, 'epoch')`, [
      lastId,
      tenant,
    ])
    const { pid } = (await writer.query('select pg_backend_pid() as pid')).rows[0]
    const drained = at.rows.drain({ tenant, drainMs: 50, signal })
    await expect(drained).rejects.toMatchObject({ code: 'DRAIN_TIMEOUT', data: { pids: [pid] } })
    await writer.query('rollback')
    writer.release()
  })

  withApi(
    'a drain of an existing API waits for as long as its plan says, and ends with its signal',
    async () => {
      const tenant = newTenant()
      expect(await at.rows.drain({ tenant, drainMs: 10_000, signal })).toEqual({ waitedMs: 50 })
      expect(await at.rows.drain({ tenant, drainMs: 1, signal })).toEqual({ waitedMs: 1 })
      const aborted = AbortSignal.abort(new Error('that is enough'))
      await expect(at.rows.drain({ tenant, drainMs: 10_000, signal: aborted })).rejects.toThrow()
    },
  )
})

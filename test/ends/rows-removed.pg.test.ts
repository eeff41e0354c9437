// The contract of rows that are removed: all of the tenant's, none of another, only where the end
// is closed as the caller believes, and by batches. Asked of each kind of end.
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Hold } from '../../src/ends/flags.ts'
import type { WipeOptions } from '../../src/ends/rows.ts'
import { begin, bringTo, holdOf, newActor, newTenant } from '../helpers/ends/flag-states.ts'
import { hostileTenants } from '../helpers/ends/hostile.ts'
import { kinds, openTestEnd, type TestEnd } from '../helpers/ends/kinds.ts'
import {
  type At,
  codeOf,
  endTable,
  lookAt,
  receiving,
  rowsIn,
  type TableName,
} from '../helpers/ends/tenant-rows.ts'

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
  /** Children first. */
  const tables: TableName[] =
    kind === 'api' ? ['marks', 'entries'] : ['lines', 'marks', 'visits', 'entries']

  /** `count` entries, each with a mark and, in a database, a line; two visits. */
  const addRows = async (tenant: string, count: number) => {
    const ids = Array.from({ length: count }, () => ++lastId)
    const { pool } = end.database
    await pool.query(
      `insert into entries (id, account, at) select unnest($1::int[]), $2, 'epoch'`,
      [ids, tenant],
    )
    await pool.query(`insert into marks select unnest($1::int[]), 'a', $2`, [ids, tenant])
    if (kind === 'api') return
    await pool.query('insert into lines select unnest($1::int[]), 1', [ids])
    await pool.query(`insert into visits values ($1, '2025-06-01', 1), ($1, '2026-06-01', 1)`, [
      tenant,
    ])
  }
  const countOf = async (tenant: string) => {
    const counts = await at.rows.counts(tables.map((name) => rowsIn(at, name, tenant)))
    return counts.reduce((sum, rows) => sum + rows, 0)
  }
  const groupOf = (names: readonly TableName[], atOnce = false) => {
    return { tables: names.map((name) => endTable(at, name)), atOnce }
  }
  const wipe = (
    hold: Hold,
    change: Partial<WipeOptions> = {},
    groups = tables.map((name) => groupOf([name])),
  ) => {
    const { signal } = new AbortController()
    const options = { mode: 'receiving', replicate: true, signal, ...change } as const
    return at.rows.wipe(hold, { groups, options })
  }
  const perEntry = kind === 'api' ? 2 : 3
  const visits = kind === 'api' ? 0 : 2

  test('all rows of the tenant go, and none of another', async () => {
    const [tenant, other] = [newTenant(), newTenant()]
    await addRows(tenant, 3)
    await addRows(other, 2)
    const removed = await wipe(await receiving(end, tenant))
    expect(removed).toBe(kind === 'api' ? 0 : 3 * perEntry + visits)
    expect([await countOf(tenant), await countOf(other)]).toEqual([0, 2 * perEntry + visits])
  })

  test('where there is nothing, nothing goes, however often', async () => {
    const hold = await receiving(end, newTenant())
    expect([await wipe(hold), await wipe(hold)]).toEqual([0, 0])
  })

  test('the tenant is taken for no other, whatever its id is made of', async () => {
    const some = hostileTenants.filter((_, i) => i % 4 === 0)
    for (const tenant of some) await addRows(tenant, 1)
    const [first = '', ...others] = some
    await wipe(await receiving(end, first))
    const left = await Promise.all(others.map(countOf))
    expect(left).toEqual(others.map(() => perEntry + visits))
    for (const tenant of others) {
      await wipe(await receiving(end, tenant))
      expect([tenant, await countOf(tenant)]).toEqual([tenant, 0])
    }
  })

  withoutApi('batches are no larger than requested, and each is reported', async () => {
    const tenant = newTenant()
    await addRows(tenant, 5)
    const told: number[] = []
    const onBatch = (rows: number) => void told.push(rows)
    const removed = await wipe(await receiving(end, tenant), { batchRows: 2, onBatch }, [
      groupOf(['lines']),
    ])
    expect([removed, told]).toEqual([5, [2, 2, 1, 0]])
  })

  withoutApi('tables that refer to each other are emptied at once', async () => {
    const tenant = newTenant()
    await addRows(tenant, 3)
    const told: number[] = []
    const onBatch = (rows: number) => void told.push(rows)
    const groups = [groupOf(['entries', 'marks', 'lines'], true)]
    const removed = await wipe(await receiving(end, tenant), { batchRows: 1, onBatch }, groups)
    // Lines may have gone with their entries before they were looked for.
    expect(told).toEqual([removed])
    expect(await countOf(tenant)).toBe(visits)
  })

  withoutApi('rows go only where the end is closed as it is believed to be', async () => {
    for (const state of ['open', 'capturing', 'read-only', 'receiving', 'moved'] as const) {
      const actor = await bringTo(end, newTenant(), 'open')
      await addRows(actor.tenant, 1)
      const held = await bringTo(end, actor.tenant, state)
      for (const mode of ['receiving', 'moved'] as const) {
        if (mode === state) continue
        const code = await codeOf(wipe(holdOf(held), { mode }))
        expect([state, mode, code, await countOf(actor.tenant)]).toEqual([
          state,
          mode,
          'FENCE_LOST',
          perEntry + visits,
        ])
      }
    }
  })

  withoutApi('an old home is emptied by who has adopted it', async () => {
    const tenant = newTenant()
    await addRows(tenant, 2)
    const actor = await bringTo(end, tenant, 'moved')
    expect(await wipe(holdOf(actor), { mode: 'moved' })).toBe(2 * perEntry + visits)
  })

  withoutApi('who has been taken over removes nothing', async () => {
    const tenant = newTenant()
    await addRows(tenant, 1)
    const hold = await receiving(end, tenant)
    expect(await codeOf(wipe({ ...hold, token: randomUUID() }))).toBe('FENCE_LOST')
    await begin(end.beside, newActor(tenant))
    expect(await codeOf(wipe(hold))).toBe('FENCE_LOST')
    expect(await countOf(tenant)).toBe(perEntry + visits)
  })

  withoutApi('removing ends with its signal, between two batches', async () => {
    const tenant = newTenant()
    await addRows(tenant, 4)
    const abort = new AbortController()
    const reason = new Error('that is enough')
    const options = { batchRows: 1, signal: abort.signal, onBatch: () => abort.abort(reason) }
    const wiped = wipe(await receiving(end, tenant), options, [groupOf(['lines'])])
    await expect(wiped).rejects.toBe(reason)
    expect(await at.rows.counts([rowsIn(at, 'lines', tenant)])).toEqual([3])
  })
})

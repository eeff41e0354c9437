// Values that the flags' own schema refuses on every path: numbers that leave no room, a whole
// application that is closed by a move, and notifications that tell who is moved.
import { createHash, randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { claimTarget, raiseFence } from '../../src/ends/postgres/fence/tenant-flags.ts'
import { highestTurn, takeTurn } from '../../src/ends/postgres/fence/turns.ts'
import { migrate } from '../../src/migrations.ts'
import { createPool, type Pool } from '../../src/postgres.ts'
import { createDatabase, type TestDatabase } from '../helpers/database.ts'

let database: TestDatabase
let pool: Pool

beforeAll(async () => {
  database = await createDatabase()
  pool = createPool({ url: database.url, name: 'bounds', size: 2 })
  await migrate(pool, 'endpoint')
})
afterAll(async () => {
  await pool.end()
  await database.drop()
})

const holdOf = (tenant: string) => ({ scope: 'default', tenant, token: randomUUID() })

test('a turn far above all earlier ones is refused, and shuts no attempt out', async () => {
  expect(await takeTurn(pool, holdOf('a'), '5000000')).not.toBeNull()
  for (const turn of ['9223372036854775807', '1000000000000000', '10000005000001']) {
    const taken = takeTurn(pool, holdOf('a'), turn)
    await expect(taken, turn).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining('the highest that was here is 5000000'),
    })
  }
  expect(await highestTurn(pool)).toBe(5_000_000n)
  expect(await takeTurn(pool, holdOf('a'), '4999999')).toBeNull()
  expect(await takeTurn(pool, holdOf('b'), '1005000000')).not.toBeNull()
})

test('a number that leaves no room for others is refused as a turn on every path', async () => {
  const insert = `insert into rehome.turns values ('default', 'x', $1, gen_random_uuid())`
  for (const number of ['9223372036854775807', '1000000000000001', '0', '-1']) {
    await expect(database.pool.query(insert, [number])).rejects.toMatchObject({ code: '23514' })
  }
})

test('no move closes the whole application', async () => {
  const hold = holdOf('*')
  expect(await takeTurn(pool, hold, '10000005000001')).not.toBeNull()
  const claim = { epoch: randomUUID(), moveId: randomUUID(), reason: 'x', retryAfterS: 1 }
  const claimed = claimTarget(pool, { ...hold, ...claim, ours: [], captureMs: null })
  await expect(claimed).rejects.toMatchObject({
    code: '23514',
    constraint: 'the whole application is only made read-only',
  })
})

test('a notification can be read only with knowledge of the tenant', async () => {
  const client = await database.pool.connect()
  const heard: string[] = []
  client.on('notification', ({ payload = '' }) => heard.push(payload))
  await client.query('listen rehome')
  const hold = holdOf('ümläut tenant')
  expect(await takeTurn(pool, hold, '1005000002')).not.toBeNull()
  const raise = { epoch: randomUUID(), moveId: randomUUID(), reason: 'x', retryAfterS: 1 }
  await raiseFence(pool, { ...hold, ...raise, leaseMs: 60_000 })
  await client.query('select 1')
  const hash = createHash('sha256').update('ümläut tenant').digest('hex')
  expect(heard).toEqual([JSON.stringify(['default', hash]).replace(',', ', ')])
  client.release(true)
})

// Attempts that come one after the other to one end, and what a late one does to the next one's
// sessions there: nothing.
import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { withSnapshot } from '../../../../src/ends/postgres/changes/snapshot.ts'
import { nameSession, takeTurn } from '../../../../src/ends/postgres/fence/turns.ts'
import { openSqlEnd } from '../../../../src/ends/postgres/postgres-end.ts'
import { postgres } from '../../../../src/plan/endpoint.ts'
import { type Pool, withClient } from '../../../../src/postgres.ts'
import { createWorld } from '../../../helpers/world.ts'

const holdOf = () => ({ scope: 'default', tenant: 'acme', token: randomUUID() })

test('sessions of an earlier attempt are ended by the turn of the next one', async () => {
  await using world = await createWorld()
  const { pool } = world.source
  const [first, second] = [holdOf(), holdOf()]
  expect(await takeTurn(pool, first, '1')).toEqual({ flag: null })
  await inNamedSession(pool, first, async (isAlive) => {
    expect(await takeTurn(pool, second, '2')).toEqual({ flag: null })
    expect(await isAlive()).toBe(false)
  })
})

test('an attempt whose turn has passed leaves the sessions of the next one alone', async () => {
  await using world = await createWorld()
  const { pool } = world.source
  const [late, next] = [holdOf(), holdOf()]
  expect(await takeTurn(pool, next, '2')).toEqual({ flag: null })
  await inNamedSession(pool, next, async (isAlive) => {
    expect(await takeTurn(pool, late, '1')).toBeNull()
    expect(await isAlive()).toBe(true)
  })
})

test('a reader of a snapshot whose session is gone gets UNREACHABLE', async () => {
  await using world = await createWorld()
  const { environment, source } = world
  const end = openSqlEnd('source', postgres({ urlFrom: 'SOURCE_URL' }), { environment })
  const hold = holdOf()
  const read = withSnapshot(end, hold, async ({ share }) => {
    const shared = await share()
    await takeTurn(source.pool, hold, '1')
    return await shared.pool.query('select 1')
  })
  await expect(read).rejects.toMatchObject({ code: 'UNREACHABLE', retryable: true })
  await end.pool.end()
  await end.lifeline.end()
})

/** Runs `work` while a session of this attempt holds a transaction open. */
async function inNamedSession(
  pool: Pool,
  hold: ReturnType<typeof holdOf>,
  work: (isAlive: () => Promise<boolean>) => Promise<void>,
): Promise<void> {
  const named = withClient(pool, async (client) => {
    await client.query(`begin; ${nameSession(hold)}`)
    await work(
      async () =>
        await client.query('select 1').then(
          () => true,
          () => false,
        ),
    )
    await client.query('rollback').catch(() => {})
  })
  await named
}

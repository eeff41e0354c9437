// The faults of the chaos do what they say, and take it back: a schema that changes, a tenant that
// a transaction holds or that one was prepared for, and a server that hangs.
import { spawnSync } from 'node:child_process'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { hang } from '../../chaos/faults/hang.ts'
import { changeColumns, makePartition, toggleGuard } from '../../chaos/faults/harm-schema.ts'
import { holdTenant, prepareTenant } from '../../chaos/faults/harm-writers.ts'
import { randomOf } from '../../chaos/random.ts'
import { startPostgres } from '../../dev/postgres.ts'
import { readStamp } from '../../src/ends/postgres/catalog/read-catalog.ts'
import { type QuietWorld, quietWorld } from './quiet-world.ts'

let world: QuietWorld
beforeAll(async () => {
  world = await quietWorld()
})
afterAll(() => world[Symbol.asyncDispose]())

const pools = () => ({ source: world.source.pool, target: world.target.pool })
const stamps = async () => {
  return [
    await readStamp(world.source.pool, 'public'),
    await readStamp(world.target.pool, 'public'),
  ]
}
/** The waiting sessions do not matter here. */
const locking = () => () => {}
const columnsQuery = `select count(*)::int as n from information_schema.columns
  where table_schema = 'public'`
const columns = async () => {
  const counts = [world.source, world.target].map(({ pool }) => pool.query(columnsQuery))
  return (await Promise.all(counts)).map(({ rows }) => rows[0].n)
}

test('a column comes at both ends, and goes again', async () => {
  const [before, stamp] = [await columns(), await stamps()]
  let meanwhile: number[] = []
  let locked = 0
  const locking = () => {
    locked += 1
    return () => {
      locked -= 1
    }
  }
  const lasting = async () => {
    expect(locked).toBe(0)
    meanwhile = await columns()
  }
  await changeColumns({ pools: pools(), random: randomOf(7, 'harm'), lasting, locking })
  expect(meanwhile.every((n, i) => n > (before[i] ?? 0))).toBe(true)
  expect(await columns()).toEqual(before)
  expect((await stamps()).filter((text, i) => text === stamp[i])).toEqual([])
})

test('a guard that was off for a moment stands as before, and can be seen to have been off', async () => {
  const before = await stamps()
  const random = randomOf(7, 'harm')
  await toggleGuard({ pools: pools(), random, lasting: async () => {}, locking })
  expect((await stamps()).filter((text, i) => text !== before[i])).toHaveLength(1)
  const off = `select from pg_trigger where tgname like 'rehome_%' and tgenabled = 'D'
    and tgparentid = 0`
  for (const { pool } of [world.source, world.target]) {
    expect((await pool.query(off)).rowCount).toBe(0)
  }
})

test('a partition comes, and goes again', async () => {
  const exists = `select to_regclass('visits_2030') is not null as is`
  const found = async () => {
    const looks = [world.source, world.target].map(({ pool }) => pool.query(exists))
    return (await Promise.all(looks)).filter(({ rows }) => rows[0].is).length
  }
  let meanwhile = 0
  const lasting = async () => {
    meanwhile = await found()
  }
  await makePartition({ pools: pools(), random: randomOf(7, 'harm'), lasting, locking })
  expect([meanwhile, await found()]).toEqual([1, 0])
})

test.each([
  ['held by a transaction', holdTenant, 'idle in transaction'],
  ['held by a prepared transaction', prepareTenant, null],
] as const)('a tenant is %s, and nothing is left of it', async (_, harm, state) => {
  const held = `select count(*)::int as n from pg_locks where mode = 'RowExclusiveLock'
    and relation = 'tenants'::regclass`
  const prepared = "select count(*)::int as n from pg_prepared_xacts where gid like 'chaos %'"
  const { pool } = world.source
  let meanwhile: unknown[] = []
  const lasting = async () => {
    meanwhile = [(await pool.query(held)).rows[0].n, (await pool.query(prepared)).rows[0].n]
  }
  const touched = await harm({ pools: pools(), tenant: 'tenant-01', tryMs: 1_000, lasting })
  expect([touched, meanwhile]).toEqual([true, [1, state === null ? 1 : 0]])
  expect((await pool.query(prepared)).rows[0].n).toBe(0)
  expect(await world.check()).toEqual([])
  const nobody = { pools: pools(), tenant: 'nobody', tryMs: 50, lasting }
  expect(await harm(nobody)).toBe(false)
})

/** States of the server's first process and of those that it has made. */
function statesOf(pid: number): string[] {
  const { stdout } = spawnSync('ps', ['-Ao', 'pid=,ppid=,stat='], { encoding: 'utf8' })
  const lines = stdout.split('\n').map((line) => line.trim().split(/\s+/))
  return lines.filter((ids) => ids.slice(0, 2).includes(String(pid))).map(([, , stat = '']) => stat)
}

test('a server that hangs is stopped as a whole, and answers when it is let go on', async () => {
  await using server = await startPostgres({ name: 'hung' })
  const pid = server.pid ?? 0
  const client = new pg.Client({ connectionString: server.url })
  await client.connect()
  const goOn = await hang(pid)
  const states = statesOf(pid)
  expect(states.length).toBeGreaterThan(3)
  // One that has just ended stays a zombie until the stopped server looks at it.
  expect(states.filter((state) => !/^[TZ]/.test(state))).toEqual([])
  const asked = client.query('select 1 as one')
  await goOn()
  expect((await asked).rows).toEqual([{ one: 1 }])
  await client.end()
})

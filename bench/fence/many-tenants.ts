/**
 * One statement over very many tenants: how many locks it holds until its transaction ends. A
 * server has room for some thousands, for all of its sessions together.
 */
import { performance } from 'node:perf_hooks'
import type pg from 'pg'
import { alternate, type BenchStage, type Figure, figureOf } from '../bench.ts'
import type { FenceWorld, Isolation } from './world.ts'

/** One lock a bucket, and a few to spare. */
const aim = { of: 'fenced', relation: 'at most', limit: 1_024 + 8 } as const

const insert = `insert into bulk_items (tenant_id, amount, body)
  select 'tenant ' || g, 0, 'some text of a row' from generate_series(1, $1::integer) g`

const locks = `select count(*)::integer as n from pg_locks
  where locktype = 'advisory' and pid = pg_backend_pid()`

export async function measureManyTenants(stage: BenchStage, world: FenceWorld): Promise<Figure[]> {
  return [
    ...(await measureAt('read committed', stage, world)),
    ...(await measureAt('repeatable read', stage, world)),
  ]
}

async function measureAt(
  isolation: Isolation,
  stage: BenchStage,
  { pools, reset }: FenceWorld,
): Promise<Figure[]> {
  const tenants = Math.ceil(stage.rows / 2)
  stage.tell(`one statement over ${tenants} tenants, ${isolation}`)
  await reset()
  const results = await alternate(stage, {
    fenced: () => writeMany(pools.fenced, isolation, tenants),
    bare: () => writeMany(pools.bare, isolation, tenants),
  })
  const count = tenants.toLocaleString('en')
  const level = isolation === 'read committed' ? '' : `, ${isolation}`
  const what = `one statement over ${count} tenants${level}`
  const samplesOf = (key: 'held' | 'seconds') => ({
    fenced: results.fenced.map((result) => result[key]),
    bare: results.bare.map((result) => result[key]),
  })
  const held = { what: `${what}: locks held`, unit: 'locks', samples: samplesOf('held') }
  return [
    figureOf({ ...held, ...(level === '' ? { aim } : {}) }),
    figureOf({ what, unit: 's', samples: samplesOf('seconds'), ratio: ['fenced', 'bare'] }),
  ]
}

async function writeMany(pool: pg.Pool, isolation: Isolation, tenants: number) {
  const client = await pool.connect()
  try {
    await client.query(`begin isolation level ${isolation}`)
    const started = performance.now()
    await client.query(insert, [tenants])
    const seconds = (performance.now() - started) / 1000
    const { rows } = await client.query<{ n: number }>(locks)
    await client.query('rollback')
    return { seconds, held: rows[0]?.n ?? Number.NaN }
  } finally {
    client.release()
  }
}

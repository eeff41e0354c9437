/** One tenant's rows by the hundred thousand, in one statement and one durable transaction. */
import { performance } from 'node:perf_hooks'
import type pg from 'pg'
import { alternate, type BenchStage, type Figure, figureOf } from '../bench.ts'
import type { FenceWorld, Isolation } from './world.ts'

const aim = { of: 'ratio', relation: 'at most', limit: 1.15 } as const

export async function measureBulk(stage: BenchStage, world: FenceWorld): Promise<Figure[]> {
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
  stage.tell(`bulk: ${stage.rows} rows, ${isolation}`)
  await reset()
  const times = await alternate(stage, {
    fenced: () => writeBulk(pools.fenced, isolation, stage.rows),
    bare: () => writeBulk(pools.bare, isolation, stage.rows),
  })
  return (['insert', 'update'] as const).map((what) => {
    const samples = {
      fenced: times.fenced.map((time) => time[what]),
      bare: times.bare.map((time) => time[what]),
    }
    const rows = stage.rows.toLocaleString('en')
    const level = isolation === 'read committed' ? '' : `, ${isolation}`
    return figureOf({
      what: `${what} of ${rows} rows of one tenant${level}`,
      unit: 's',
      samples,
      ratio: ['fenced', 'bare'],
      ...(isolation === 'read committed' ? { aim } : {}),
    })
  })
}

async function writeBulk(pool: pg.Pool, isolation: Isolation, rows: number) {
  await pool.query('truncate bulk_items restart identity')
  await pool.query('checkpoint')
  const insert = await timed(pool, isolation, [
    `insert into bulk_items (tenant_id, amount, body)
     select 'bulk', 0, 'some text of a row' from generate_series(1, $1::integer)`,
    [rows],
  ])
  const update = await timed(pool, isolation, [
    `update bulk_items set amount = amount + 1 where tenant_id = $1`,
    ['bulk'],
  ])
  return { insert, update }
}

/** Seconds from BEGIN until the commit is durable. */
async function timed(
  pool: pg.Pool,
  isolation: Isolation,
  [text, values]: readonly [string, unknown[]],
): Promise<number> {
  const client = await pool.connect()
  try {
    const started = performance.now()
    await client.query(`begin isolation level ${isolation}`)
    await client.query(text, values)
    await client.query('commit')
    return (performance.now() - started) / 1000
  } finally {
    client.release()
  }
}

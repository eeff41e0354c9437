/**
 * Many clients that all write to one tenant, in transactions that overlap: what they leave behind
 * for the server to clean up. Locks on rows that several hold at once make multixacts, and those
 * are WAL and, one day, a vacuum that cannot wait.
 */
import type pg from 'pg'
import { alternate, type BenchStage, type Figure, figureOf } from '../bench.ts'
import type { FenceWorld, Isolation, Variant } from './world.ts'

const clients = 32
const aim = { of: 'fenced', relation: 'at most', limit: 0 } as const

const script = `begin;
insert into items (tenant_id, amount, body) values ('hot', 1, 'some text of a row');
\\sleep 2 ms
commit;
`

interface Slice {
  readonly multixacts: number
  readonly walBytes: number
  readonly rate: number
}

export async function measureHotTenant(stage: BenchStage, world: FenceWorld): Promise<Figure[]> {
  return [
    ...(await measureAt('read committed', stage, world)),
    ...(await measureAt('repeatable read', stage, world)),
  ]
}

async function measureAt(
  isolation: Isolation,
  stage: BenchStage,
  world: FenceWorld,
): Promise<Figure[]> {
  stage.tell(`hot tenant: ${clients} clients, ${isolation}`)
  await world.reset()
  const slices = await alternate(stage, {
    fenced: () => slice('fenced', isolation, { stage, world }),
    bare: () => slice('bare', isolation, { stage, world }),
  })
  const level = isolation === 'read committed' ? '' : `, ${isolation}`
  const samplesOf = (key: keyof Slice) => ({
    fenced: slices.fenced.map((s) => s[key]),
    bare: slices.bare.map((s) => s[key]),
  })
  const figure = (key: keyof Slice, [what, unit]: [string, string]) =>
    figureOf({
      what: `hot tenant, ${what}${level}`,
      unit,
      samples: samplesOf(key),
      ...(key === 'multixacts' ? {} : { ratio: ['fenced', 'bare'] }),
      ...(key === 'multixacts' && level === '' ? { aim } : {}),
    })
  return [
    figure('multixacts', ['new multixacts', '1/slice']),
    figure('walBytes', ['WAL', 'bytes/tx']),
    figure('rate', ['throughput', 'tx/s']),
  ]
}

async function slice(
  variant: Variant,
  isolation: Isolation,
  { stage, world }: { stage: BenchStage; world: FenceWorld },
): Promise<Slice> {
  const before = await positionOf(world.pools.bare)
  const result = await stage.load.run(
    {
      url: world.urls[variant],
      clients,
      seconds: stage.seconds,
      scripts: [script],
      protocol: 'prepared',
      settings: { synchronous_commit: 'off', default_transaction_isolation: isolation },
    },
    stage.signal,
  )
  const wal = await walOf(world.pools.bare)
  const after = await positionOf(world.pools.bare)
  return {
    multixacts: after.multixact - before.multixact,
    walBytes: (wal - before.wal) / result.transactions,
    rate: result.rate,
  }
}

/** The control file knows the next multixact as of the last checkpoint. */
async function positionOf(pool: pg.Pool): Promise<{ multixact: number; wal: number }> {
  await pool.query('checkpoint')
  const query = `select next_multixact_id::text as next from pg_control_checkpoint()`
  const { rows } = await pool.query<{ next: string }>(query)
  return { multixact: Number(rows[0]?.next), wal: await walOf(pool) }
}

async function walOf(pool: pg.Pool): Promise<number> {
  const query = `select (pg_current_wal_insert_lsn() - '0/0')::float8 as bytes`
  return (await pool.query<{ bytes: number }>(query)).rows[0]?.bytes ?? Number.NaN
}

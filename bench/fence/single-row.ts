/**
 * Small writes, each a transaction of its own: half inserts, half updates by primary key, by eight
 * clients. Durable, commits wait for the disk; otherwise it is the processor that bounds them, and
 * what a statement costs it stands beside.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { alternate, type BenchStage, type Figure, figureOf } from '../bench.ts'
import type { Load } from '../load.ts'
import { childrenOf, cpuOf } from '../processes.ts'
import { type FenceWorld, type Isolation, seeded, type Variant } from './world.ts'

const scripts = [
  `\\set tenant random(1, ${seeded.tenants})
insert into items (tenant_id, amount, body) values ('t' || :tenant, 1, 'some text of a row');
`,
  `\\set id random(1, ${seeded.rows})
update items set amount = amount + 1 where id = :id;
`,
]

interface Case {
  /** Default `fenced`. */
  readonly guards?: 'captured' | 'constant'
  readonly durable: 'on' | 'off'
  readonly protocol: Load['protocol']
  readonly isolation: Isolation
}

const cases: readonly Case[] = [
  { durable: 'on', protocol: 'prepared', isolation: 'read committed' },
  { durable: 'off', protocol: 'prepared', isolation: 'read committed' },
  { durable: 'off', protocol: 'extended', isolation: 'read committed' },
  { durable: 'on', protocol: 'prepared', isolation: 'repeatable read' },
  { durable: 'off', protocol: 'prepared', isolation: 'repeatable read' },
  { guards: 'constant', durable: 'on', protocol: 'prepared', isolation: 'read committed' },
  { guards: 'constant', durable: 'off', protocol: 'prepared', isolation: 'read committed' },
  { guards: 'captured', durable: 'on', protocol: 'prepared', isolation: 'read committed' },
  { guards: 'captured', durable: 'off', protocol: 'prepared', isolation: 'read committed' },
]

const aims = { on: 0.95, off: 0.75 }
const clients = 8

export async function measureSingleRow(stage: BenchStage, world: FenceWorld): Promise<Figure[]> {
  const figures: Figure[] = []
  for (const one of cases) {
    stage.tell(`single rows: ${titleOf(one)}`)
    await world.reset()
    figures.push(...(await measureCase(one, stage, world)))
  }
  return figures
}

function titleOf({ guards, durable, protocol, isolation }: Case): string {
  const logged = { none: '', captured: ', changes logged', constant: ', a schema for each tenant' }
  const commits = durable === 'on' ? 'durable' : 'synchronous_commit off'
  const statements = protocol === 'prepared' ? 'prepared' : 'parsed each time'
  const others = isolation === 'read committed' ? '' : `, ${isolation}`
  return `${commits}, ${statements}${others}${logged[guards ?? 'none']}`
}

interface Slice {
  readonly rate: number
  readonly serverUs: number | null
  readonly clientUs: number | null
}

async function measureCase(one: Case, stage: BenchStage, world: FenceWorld): Promise<Figure[]> {
  const slices = await alternate(stage, {
    fenced: () => slice(one.guards ?? 'fenced', one, { stage, world }),
    bare: () => slice('bare', one, { stage, world }),
  })
  const title = titleOf(one)
  const aimed = one.isolation === 'read committed' && !one.guards
  const aim = { of: 'ratio', relation: 'at least', limit: aims[one.durable] } as const
  const rates = { fenced: slices.fenced.map((s) => s.rate), bare: slices.bare.map((s) => s.rate) }
  const ratio = ['fenced', 'bare'] as const
  const what = `single rows, ${title}`
  const figures = [
    figureOf({ what, unit: 'tx/s', samples: rates, ratio, ...(aimed ? { aim } : {}) }),
  ]
  for (const [key, whose] of [
    ['serverUs', 'CPU of the server'],
    ['clientUs', 'CPU of the clients'],
  ] as const) {
    const costs = costsOf(slices, key)
    if (costs) figures.push(figureOf({ what: `  ${whose}`, unit: 'µs/tx', samples: costs, ratio }))
  }
  return figures
}

function costsOf(slices: Record<'fenced' | 'bare', Slice[]>, key: 'serverUs' | 'clientUs') {
  const known = (list: Slice[]) => list.map((s) => s[key]).filter((cost) => cost !== null)
  const costs = { fenced: known(slices.fenced), bare: known(slices.bare) }
  return costs.fenced.length > 0 && costs.bare.length > 0 ? costs : null
}

interface Place {
  readonly stage: BenchStage
  readonly world: FenceWorld
}

async function slice(variant: Variant, one: Case, { stage, world }: Place): Promise<Slice> {
  const settings = {
    synchronous_commit: one.durable,
    default_transaction_isolation: one.isolation,
  }
  const { protocol } = one
  const load = { url: world.urls[variant], clients, seconds: stage.seconds, scripts, protocol }
  const before = await serverCpuS(world)
  const result = await stage.load.run({ ...load, settings }, stage.signal)
  const after = await serverCpuS(world)
  const each = (seconds: number | null) =>
    seconds === null ? null : (seconds / result.transactions) * 1e6
  return {
    rate: result.rate,
    serverUs: each(before === null || after === null ? null : after - before),
    clientUs: each(result.clientCpuS),
  }
}

/**
 * The CPU time of backends that have ended. A backend counts once the postmaster has buried it, so
 * this waits until it has as many children as there are processes that the server tells of; 2 s at
 * most, as old versions do not tell of all.
 */
async function serverCpuS({ server, pools }: FenceWorld): Promise<number | null> {
  const pid = server.pid
  if (pid === undefined) return null
  const client = await pools.bare.connect()
  try {
    for (let tries = 0; tries < 400; tries += 1) {
      const [children, { rows }] = [await childrenOf(pid), await client.query(serverProcesses)]
      const quiet = rows[0].clients === 0
      if (quiet && (children === null || children <= rows[0].all)) break
      await delay(5)
    }
    return (await cpuOf(pid))?.endedChildrenS ?? null
  } finally {
    client.release()
  }
}

const serverProcesses = `select count(*)::integer as all, count(*) filter
    (where application_name in ('pgbench', 'load'))::integer as clients
  from pg_stat_activity`

/**
 * `fleet`: many small tenants by one worker and by two, with both queues, beside the naive serial
 * script in the same rounds. Enqueuing is part of the time; starting the workers is not.
 */
import { findRedis } from '../../dev/redis/redis.ts'
import {
  type Aim,
  alternate,
  type Bench,
  type BenchStage,
  type Figure,
  figureOf,
  type Measured,
} from '../bench.ts'
import { buildFleet, type Fleet } from './place.ts'

export const fleet: Bench = {
  name: 'fleet',
  summary: 'small tenants by one worker and two, beside the naive script: --tenants in each',
  async run(stage) {
    const figures = await measure(stage, { name: 'postgres', redisUrl: '' })
    const redis = await findRedis()
    if ('missing' in redis) {
      stage.tell(`without Redis: ${redis.missing}`)
      return figures
    }
    await using _ = redis
    return [...figures, ...(await measure(stage, { name: 'redis', redisUrl: redis.url }))]
  },
}

const titles = { postgres: 'queue in PostgreSQL', redis: 'queue in Redis' } as const

interface Kind {
  readonly name: keyof typeof titles
  readonly redisUrl: string
}

async function measure(stage: BenchStage, kind: Kind): Promise<Figure[]> {
  const title = titles[kind.name]
  stage.tell(`${title}: ${stage.tenants} tenants by the script, one worker, and two`)
  await using place = await buildFleet(stage, kind)
  const fleets = await alternate(stage, {
    naive: () => place.naively(),
    'one worker': () => place.byWorkers(1),
    'two workers': () => place.byWorkers(2),
    'cohorts of 20': () => place.inCohorts(20),
    'cohorts of 100': () => place.inCohorts(100),
  })
  return figuresOf(title, fleets)
}

/** 75 tenants a second where the naive script moves 220. */
const aim: Aim = { of: 'ratio', relation: 'at least', limit: 0.34 }

function figuresOf(title: string, fleets: Readonly<Record<string, readonly Fleet[]>>): Figure[] {
  const figure = (
    what: string,
    unit: string,
    {
      of: read,
      ...rest
    }: Pick<Measured, 'ratio' | 'aim'> & { readonly of: (one: Fleet) => number | null },
  ): Figure[] => {
    const samples = Object.entries(fleets).flatMap(([name, list]) => {
      const values = list.map(read).filter((value) => value !== null)
      return values.length > 0 ? [[name, values] as const] : []
    })
    if (samples.length === 0) return []
    return [figureOf({ what, unit, samples: Object.fromEntries(samples), ...rest })]
  }
  const pause = (share: number) => ({ of: ({ pauses }: Fleet) => at(pauses, share) })
  const ratio = ['two workers', 'naive'] as const
  return [
    ...figure(title, 'tenants/s', { of: ({ tenantsPerS }) => tenantsPerS, ratio, aim }),
    ...figure('  CPU of workers, a tenant', 'ms', { of: ({ workerMs }) => workerMs }),
    ...figure('  CPU of servers, a tenant', 'ms', { of: ({ serverMs }) => serverMs }),
    ...figure('  pause, median', 'ms', pause(0.5)),
    ...figure('  pause, p99', 'ms', pause(0.99)),
    ...figure('  control database, a move', 'bytes', { of: (one) => one.controlBytes }),
    ...figure('  largest memory of a worker', 'MB', { of: ({ peakMb }) => peakMb }),
  ]
}

function at(sorted: readonly number[], share: number): number | null {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? null
}

/**
 * `copy`, `verify` and `move`: one tenant of --rows rows, moved by rehome's own worker with all
 * that a move does, beside psql's binary COPY through a pipe and beside the naive script.
 */
import { performance } from 'node:perf_hooks'
import { type Aim, alternate, type Bench, type BenchStage, type Figure, figureOf } from './bench.ts'
import { cpuOfFamily } from './processes.ts'
import { findPsql, naiveScript, type Psql, psqlPipe } from './shards/peers.ts'
import type { TargetName, Work } from './shards/plans.ts'
import { fiftyTenants, oneTenant } from './shards/schema.ts'
import { foreignTables, replication } from './shards/server-peers.ts'
import { buildShards, type Moved, type ShardWorld } from './shards/world.ts'

const atMost = (limit: number): Aim => ({ of: 'ratio', relation: 'at most', limit })
const atLeast = (limit: number): Aim => ({ of: 'ratio', relation: 'at least', limit })

export const copy: Bench = {
  name: 'copy',
  summary: "a tenant's copy, also with transforms, beside psql's binary COPY through a pipe",
  run: (stage) =>
    measure(stage, async ({ psql, move, world }) => {
      const runs = await alternate<string, Taken>(stage, {
        'bare psql': psql('bare'),
        'bare psql sql': psql('bare', { work: 'sql' }),
        'indexed psql': psql('indexed'),
        'indexed psql ordered': psql('indexed', { ordered: true }),
        bare: move('plain', 'bare'),
        'bare sql': move('sql', 'bare'),
        'bare js': move('js', 'bare'),
        'bare spread': move('spread', 'bare'),
        indexed: move('plain', 'indexed'),
        'indexed js': move('js', 'indexed'),
      })
      const against = (
        what: string,
        [ours, peer]: readonly [string, string],
        limit: number | null,
      ) => {
        const samples = { rehome: all(runs[ours], 'copy'), psql: all(runs[peer], 'whole') }
        return figure(what, samples, limit === null ? null : atMost(limit))
      }
      return [
        against('bare target', ['bare', 'bare psql'], 1.05),
        against('bare target, SQL expressions', ['bare sql', 'bare psql sql'], 1.05),
        against('bare target, JavaScript', ['bare js', 'bare psql'], 1.7),
        against('  the same of copies of rows', ['bare spread', 'bare psql'], null),
        against('indexes', ['indexed', 'indexed psql'], 0.8),
        against('indexes, psql in key order', ['indexed', 'indexed psql ordered'], 1.05),
        against('indexes, JavaScript', ['indexed js', 'indexed psql ordered'], 1.1),
        ...rates(world, {
          rehome: all(runs.indexed, 'copy'),
          psql: all(runs['indexed psql'], 'whole'),
        }),
        ...rates(world, { 'rehome js': all(runs['indexed js'], 'copy') }),
      ]
    }),
}

export const verify: Bench = {
  name: 'verify',
  summary: 'the whole comparison of both ends, beside the copy that it follows',
  run: (stage) =>
    measure(stage, async ({ move }) => {
      const { plain, js } = await alternate(stage, {
        plain: move('plain', 'indexed'),
        js: move('js', 'indexed'),
      })
      const parts = (list: readonly Taken[]) => {
        return { verify: all(list, 'verify'), copy: all(list, 'copy') }
      }
      return [
        figure('indexes', parts(plain), atMost(0.25)),
        figure('indexes, JavaScript', parts(js), null),
      ]
    }),
}

export const move: Bench = {
  name: 'move',
  summary: 'a whole move, from the request to its end, beside psql and the naive script',
  settings: { wal_level: 'logical' },
  run: (stage) =>
    measure(stage, async ({ psql, naive, peer, move, world }) => {
      const runs = await alternate<string, Taken>(stage, {
        psql: psql('indexed'),
        naive: naive('indexed'),
        fdw: peer('postgres_fdw', 'indexed'),
        replication: peer('logical replication', 'indexed'),
        plain: move('plain', 'indexed'),
        js: move('js', 'indexed'),
      })
      const whole = (name: string) => all(runs[name], 'whole')
      const rehome = whole('plain')
      const peaks = [...all(runs.plain, 'peakMb'), ...all(runs.js, 'peakMb')]
      return [
        figure('whole move', { rehome, psql: whole('psql') }, atMost(1.35)),
        figure('  the naive script', { naive: whole('naive'), rehome }, atLeast(2.5)),
        figure('  postgres_fdw', { rehome, fdw: whole('fdw') }, null),
        figure('  replication, its copy', { rehome, replication: whole('replication') }, null),
        ...partsOf(runs.plain),
        figure('with JavaScript', { rehome: whole('js'), psql: whole('psql') }, atMost(1.9)),
        ...partsOf(runs.js),
        ...rates(world, { rehome, psql: whole('psql'), naive: whole('naive') }),
        ...serverCpuOf(runs),
        ...peakOf(peaks),
      ]
    }),
}

export const tenants: Bench = {
  name: 'tenants',
  summary: 'whole moves of fifty tenants, four at once, beside psql for each and for whole tables',
  run: (stage) =>
    measure(
      stage,
      async ({ psql, move }) => {
        const runs = await alternate<'each' | 'tables' | 'plain' | 'js', Taken>(stage, {
          each: psql('indexed'),
          tables: psql('indexed', { whole: true }),
          plain: move('plain ×4', 'indexed'),
          js: move('js ×4', 'indexed'),
        })
        const rehome = all(runs.plain, 'whole')
        const peaks = [...all(runs.plain, 'peakMb'), ...all(runs.js, 'peakMb')]
        const [each, tables] = [all(runs.each, 'whole'), all(runs.tables, 'whole')]
        return [
          figure('whole moves, psql for each tenant', { rehome, psql: each }, atMost(0.55)),
          figure('whole moves, psql for whole tables', { rehome, psql: tables }, atMost(1.15)),
          ...partsOf(runs.plain),
          figure('with JavaScript', { rehome: all(runs.js, 'whole'), psql: each }, null),
          ...partsOf(runs.js),
          ...peakOf(peaks),
        ]
      },
      fiftyTenants,
    ),
}

type Samples = Readonly<Record<string, readonly number[]>>

/** The first variant by the second. */
export function figure(what: string, samples: Samples, aim: Aim | null): Figure {
  const [above = '', below = ''] = Object.keys(samples)
  return figureOf({ what, unit: 's', samples, ratio: [above, below], ...(aim && { aim }) })
}

function partsOf(moves: readonly Taken[] | undefined): Figure[] {
  const parts = { copy: 'copy', verify: 'verification', workerCpu: 'CPU of the worker' } as const
  return Object.entries(parts).flatMap(([part, name]) => {
    const rehome = all(moves, part as keyof Moved)
    return rehome.length > 0
      ? [figureOf({ what: `  ${name}`, unit: 's', samples: { rehome } })]
      : []
  })
}

/** Converts seconds to rates. */
function rates({ rows, megabytes }: ShardWorld, seconds: Samples): Figure[] {
  const per = (amount: number) =>
    Object.fromEntries(
      Object.entries(seconds).map(([name, list]) => [name, list.map((s) => amount / s)]),
    )
  return [
    figureOf({ what: '  rows', unit: 'rows/s', samples: per(rows) }),
    figureOf({ what: '  bytes', unit: 'MB/s', samples: per(megabytes) }),
  ]
}

/** Both ends are databases of one server. */
function serverCpuOf(runs: Readonly<Record<string, readonly Taken[]>>): Figure[] {
  const known = Object.entries(runs)
    .map(([name, taken]) => [name === 'plain' ? 'rehome' : name, all(taken, 'serverCpu')] as const)
    .filter(([, list]) => list.length > 0)
  if (known.length === 0) return []
  return [figureOf({ what: 'CPU of the server', unit: 's', samples: Object.fromEntries(known) })]
}

function peakOf(peaks: readonly number[]): Figure[] {
  if (peaks.length === 0) return []
  const aim = { of: 'rehome', relation: 'at most', limit: 200 } as const
  const samples = { rehome: [Math.max(...peaks)] }
  return [figureOf({ what: 'peak memory of the worker', unit: 'MB', samples, aim })]
}

/** All samples of one part. */
export function all(taken: readonly Taken[] | undefined, part: keyof Taken): number[] {
  return (taken ?? []).map((one) => one[part] ?? null).filter((value) => value !== null)
}

/** A peer's run has a whole time and no parts. */
export type Taken = Pick<Moved, 'whole'> & Partial<Moved> & { readonly serverCpu: number | null }

const serverPeers = { postgres_fdw: foreignTables, 'logical replication': replication }

type Ways = ReturnType<typeof waysOf>

function waysOf({ tell, server }: BenchStage, world: ShardWorld, psql: Psql) {
  const pid = server.pid ?? 0
  const run = (what: string, target: TargetName, work: () => Promise<Moved | undefined>) => {
    return async (): Promise<Taken> => {
      await world.reset(target)
      tell(`${what}, ${target}`)
      const before = await cpuOfFamily(pid)
      const started = performance.now()
      const moved = await work()
      const whole = (performance.now() - started) / 1000
      const after = await cpuOfFamily(pid)
      const serverCpu = before !== null && after !== null ? after - before : null
      await world.expectRows(target)
      return { ...(moved ?? { whole }), serverCpu }
    }
  }
  return {
    world,
    psql: (target: TargetName, wishes: { work?: 'sql'; ordered?: true; whole?: true } = {}) => {
      const { work = 'plain', ordered = false, whole = false } = wishes
      const pipe = { target, work, ordered, ...(!whole && { tenants: world.tenants }) } as const
      return run('psql', target, () => psqlPipe(psql, world, pipe).then(() => undefined))
    },
    peer: (name: keyof typeof serverPeers, target: TargetName) =>
      run(name, target, () => serverPeers[name](world, target).then(() => undefined)),
    naive: (target: TargetName) =>
      run('the naive script', target, () => naiveScript(world, target).then(() => undefined)),
    move: (work: Work, target: TargetName) =>
      run(`rehome: ${work}`, target, () => world.move(work, target)),
  }
}

export async function measure(
  stage: BenchStage,
  work: (ways: Ways) => Promise<Figure[]>,
  layout = oneTenant,
): Promise<Figure[]> {
  const psql = await findPsql()
  stage.tell(`the peer is ${psql.name}`)
  await using world = await buildShards(stage, layout)
  return await work(waysOf(stage, world, psql))
}

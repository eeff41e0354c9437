/**
 * The copy of one tenant of `--rows` rows between ends that are far away, beside psql's: through
 * the same proxies, which delay what is sent and pass 100 Mbit a second in each direction.
 */
import { performance } from 'node:perf_hooks'
import { startTcpProxy, type TcpProxy } from '../../dev/tcp-proxy.ts'
import { alternate, type BenchStage, type Figure, figureOf } from '../bench.ts'
import { findPsql, psqlPipe } from '../shards/peers.ts'
import { aloneTenant } from '../shards/schema.ts'
import { buildShards } from '../shards/world.ts'

const bytesPerSecond = 12_500_000

export async function distantCopy(stage: BenchStage, roundTripMs: number): Promise<Figure[]> {
  const { server, rows, tell } = stage
  const psql = await findPsql()
  const to = { host: '127.0.0.1', port: server.port }
  await using source = await startTcpProxy({ to })
  await using target = await startTcpProxy({ to })
  const urls = {
    source: through(source, server.urlOf('source')),
    bare: through(target, server.urlOf('bare')),
    indexed: through(target, server.urlOf('indexed')),
  }
  const { source: SOURCE_URL, bare: BARE_URL, indexed: INDEXED_URL } = urls
  const ofWorker = { SOURCE_URL, BARE_URL, INDEXED_URL }
  await using world = await buildShards(stage, aloneTenant, ofWorker)
  const distant = { delayMs: roundTripMs / 2, bytesPerSecond }
  const far = (copy: () => Promise<number>) => async () => {
    await world.reset('indexed')
    for (const proxy of [source, target]) proxy.slowness = distant
    const seconds = await copy()
    for (const proxy of [source, target]) proxy.slowness = {}
    await world.expectRows('indexed')
    return seconds
  }
  tell(`copying ${rows} rows, ${roundTripMs} ms away`)
  const samples = await alternate(stage, {
    rehome: far(async () => (await world.move('plain', 'indexed')).copy),
    psql: far(async () => {
      const started = performance.now()
      const pipe = { target: 'indexed', work: 'plain', ordered: true } as const
      await psqlPipe(psql, { ...world, urls }, { ...pipe, tenants: world.tenants })
      return (performance.now() - started) / 1000
    }),
  })
  return [
    figureOf({
      ...{ what: `copy of ${rows.toLocaleString('en')} rows`, unit: 's', samples },
      ratio: ['rehome', 'psql'],
      aim: { of: 'ratio', relation: 'at most', limit: 1.2 },
    }),
  ]
}

function through({ port }: TcpProxy, url: string): string {
  const own = new URL(url)
  own.port = String(port)
  return own.href
}

/**
 * `latency`: a small tenant's move where both ends are 100 ms away from the worker, and the control
 * database is near. What such a move takes longer than one between near ends, in round trips, and
 * for how long its tenant cannot write. And a large tenant's copy, beside psql's.
 */
import { performance } from 'node:perf_hooks'
import { startTcpProxy, type TcpProxy } from '../../dev/tcp-proxy.ts'
import {
  type Aim,
  alternate,
  type Bench,
  type BenchStage,
  type Figure,
  figureOf,
} from '../bench.ts'
import { distantCopy } from './distant-copy.ts'
import { buildPlace, type Case } from './place.ts'

/** There and back. */
const roundTripMs = 100

export const latency: Bench = {
  name: 'latency',
  summary: `moves of small tenants, ${roundTripMs} ms away from both ends, by --runs of each`,
  async run(stage) {
    const to = { host: '127.0.0.1', port: stage.server.port }
    await using source = await startTcpProxy({ to })
    await using target = await startTcpProxy({ to })
    const proxies = { source, target }
    return [
      ...(await measure(stage, 'offline', proxies)),
      ...(await measure(stage, 'online', proxies)),
      ...(await distantCopy(stage, roundTripMs)),
    ]
  },
}

type Proxies = Readonly<Record<'source' | 'target', TcpProxy>>

/** Where the worker runs. */
const places = {
  near: [],
  'beside target': ['source'],
  'beside source': ['target'],
  away: ['source', 'target'],
} as const satisfies Record<string, readonly (keyof Proxies)[]>

async function measure(
  stage: BenchStage,
  strategy: Case['strategy'],
  proxies: Proxies,
): Promise<Figure[]> {
  const { runs, signal, tell } = stage
  tell(`${strategy}: ${runs} moves near by, and as many from ${roundTripMs} ms away`)
  const each = Object.keys(places).length
  const tenants = Array.from({ length: each * runs + warmUp }, (_, i) => `tenant ${i}`)
  const through = (end: keyof Proxies, url: string) => {
    const own = new URL(url)
    own.port = String(proxies[end].port)
    return own.href
  }
  await using place = await buildPlace(stage, { tables: 3, strategy }, { tenants, through })
  const rest = tenants[Symbol.iterator]()
  const move = async (distant: readonly (keyof Proxies)[]) => {
    signal.throwIfAborted()
    for (const end of ['source', 'target'] as const) {
      proxies[end].slowness = { delayMs: distant.includes(end) ? roundTripMs / 2 : 0 }
    }
    const started = performance.now()
    const pauseMs = await place.move(rest.next().value ?? '')
    return { ms: performance.now() - started, pauseMs }
  }
  // Connections are open by then, and both schemas known.
  for (let i = 0; i < warmUp; i += 1) await move([])
  const variants = Object.entries(places).map(([name, distant]) => [name, () => move(distant)])
  return figuresOf(strategy, await alternate(stage, Object.fromEntries(variants)))
}

interface Move {
  readonly ms: number
  readonly pauseMs: number
}

function figuresOf(
  strategy: Case['strategy'],
  { near = [], ...distant }: Readonly<Record<string, readonly Move[]>>,
): Figure[] {
  const { trips, pause } = aimsOf[strategy]
  const more = Object.entries(distant).map(([name, moves]) => {
    const samples = moves.map(({ ms }, round) => (ms - (near[round]?.ms ?? 0)) / roundTripMs)
    return [name, samples] as const
  })
  const pauses = Object.entries({ near, ...distant }).map(
    ([name, moves]) => [name, moves.map(({ pauseMs }) => pauseMs)] as const,
  )
  return [
    figureOf({
      what: `${strategy}: longer than near by`,
      unit: 'round trips',
      samples: Object.fromEntries(more),
      ...(trips && { aim: trips }),
    }),
    figureOf({
      what: '  pause',
      unit: 'ms',
      samples: Object.fromEntries(pauses),
      ...(pause && { aim: pause }),
    }),
  ]
}

const warmUp = 4

const aimsOf: Readonly<Record<Case['strategy'], { readonly trips?: Aim; readonly pause?: Aim }>> = {
  offline: { trips: { of: 'away', relation: 'at most', limit: 20 } },
  online: { pause: { of: 'away', relation: 'at most', limit: 250 + 4 * roundTripMs } },
}

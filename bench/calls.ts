/**
 * `calls`: how many remote calls one tenant of 100 rows takes, by what is done with it. No clock:
 * the numbers are the same on every machine. The tenant is the second that moves, so that the
 * worker knows both schemas already, as it does for all tenants but the first. LOG_LEVEL=debug
 * lists the calls.
 */
import type { Aim, Bench, BenchStage, Figure } from './bench.ts'
import { figureOf } from './bench.ts'
import { type Counted, countCalls } from './calls/count.ts'
import { buildPlace, type Case } from './calls/place.ts'

export const calls: Bench = {
  name: 'calls',
  summary: 'remote calls of a small tenant, counted: offline, online and back; 3 and 100 tables',
  async run(stage) {
    const figures: Figure[] = []
    for (const tables of [3, 100]) {
      for (const strategy of ['offline', 'online'] as const) {
        stage.tell(`${strategy}, ${tables} tables`)
        figures.push(...(await measure(stage, { tables, strategy })))
      }
    }
    return figures
  },
}

/**
 * The numbers that were reached: more than these is a step back. `chain` has room for connections
 * that open in between: what was to be asked at once then comes one after another.
 */
const bars = {
  offline: { calls: 41, chain: 30, inSequence: 11, catalogue: 6 },
  online: { calls: 75, chain: 62, inSequence: 8, catalogue: 8 },
} as const satisfies Record<Case['strategy'], Bar>

interface Bar {
  readonly calls: number
  readonly chain: number
  readonly inSequence: number
  readonly catalogue: number
}

async function measure(stage: BenchStage, one: Case): Promise<Figure[]> {
  await using place = await buildPlace(stage, one, { tenants: ['first', 'second'] })
  await place.move('first')
  const there = await countCalls('second', () => place.move('second'))
  const back = await countCalls('second', () => place.rollback('second'))
  if (process.env.LOG_LEVEL) for (const line of [...there.list, '', ...back.list]) stage.tell(line)
  const what = `${one.strategy}, ${one.tables} tables`
  const bar = one.tables === 3 ? bars[one.strategy] : null
  return [...figuresOf(what, there, bar), ...figuresOf(`${what}, back`, back, null)]
}

function figuresOf(what: string, counted: Counted, bar: Bar | null): Figure[] {
  const { calls: all, chain, catalogue, fenced, inSequence } = counted
  const figure = (name: string, number: number, limit?: number) => {
    const held: { aim?: Aim } =
      limit === undefined ? {} : { aim: { of: 'rehome', relation: 'at most', limit } }
    return figureOf({ what: name, unit: 'calls', samples: { rehome: [number] }, ...held })
  }
  return [
    figure(what, all, bar?.calls),
    figure('  one after another', chain, bar?.chain),
    figure('  that read the catalogue', catalogue, bar?.catalogue),
    figure('  under the fence', fenced),
    figure('  of them one after another', inSequence, bar?.inSequence),
  ]
}

/**
 * `growth`: how a whole move grows with its tenant, from 1,000 rows by tens up to --rows, beside
 * psql and, as long as one has the patience, the naive script. Here the tenant is alone.
 */
import { alternate, type Bench, type BenchStage, type Figure, figureOf } from './bench.ts'
import { aloneTenant } from './shards/schema.ts'
import { all, figure, measure, type Taken } from './shards.ts'

const naiveUpTo = 1_000_000

export const growth: Bench = {
  name: 'growth',
  summary: 'whole moves of tenants from 1,000 rows to --rows, and what the worker needs for them',
  async run(stage) {
    const figures: Figure[] = []
    for (let rows = Math.min(1000, stage.rows); rows <= stage.rows; rows *= 10) {
      figures.push(...(await measureSize({ ...ownDatabases(stage, rows), rows })))
    }
    return figures
  },
}

function measureSize(stage: BenchStage): Promise<Figure[]> {
  const what = `${stage.rows.toLocaleString('en')} rows`
  return measure(
    stage,
    async ({ psql, naive, move }) => {
      const runs = await alternate<string, Taken>(stage, {
        psql: psql('indexed'),
        ...(stage.rows <= naiveUpTo && { naive: naive('indexed') }),
        rehome: move('plain', 'indexed'),
      })
      const whole = { rehome: all(runs.rehome, 'whole'), psql: all(runs.psql, 'whole') }
      const peak = all(runs.rehome, 'peakMb')
      const slow = runs.naive ? { naive: all(runs.naive, 'whole') } : {}
      return [
        figure(what, { ...whole, ...slow }, null),
        ...(peak.length > 0
          ? [figureOf({ what: `${what}, memory`, unit: 'MB', samples: { rehome: peak } })]
          : []),
      ]
    },
    aloneTenant,
  )
}

/** Each size has databases of its own on the one server. */
export function ownDatabases(stage: BenchStage, rows: number): BenchStage {
  const { server } = stage
  const own = Object.create(server, {
    urlOf: { value: (name: string) => server.urlOf(`${name}_${rows}`) },
    createDatabase: { value: (name: string) => server.createDatabase(`${name}_${rows}`) },
  })
  return { ...stage, server: own }
}

// Benches that measure, from the outside: that they run, and say what they found. How fast
// anything is, is not asserted.
import { describe, expect, test } from 'vitest'
import { findPsql } from '../../bench/shards/peers.ts'
import { eventually } from '../helpers/eventually.ts'
import { startBench } from '../helpers/processes/bench-process.ts'
import { directoriesOf, makePlace } from '../helpers/processes/processes.ts'

const psql = await findPsql().catch(() => null)

describe('npm run bench', () => {
  test('prints one JSON object, with what was measured on what', async () => {
    const small = ['--rows', '50', '--runs', '1', '--seconds', '1']
    const { ended, said } = startBench(['fence', '--json', ...small])
    expect(await ended, said.error).toBe(0)
    const report = JSON.parse(said.out)
    expect(report).toMatchObject({ bench: 'fence', rows: 50, settings: { fsync: 'on' } })
    expect(report.machine.cores).toBeGreaterThan(0)
    const single = report.figures[0]
    expect(single.variants.bare.median).toBeGreaterThan(0)
    expect(single.ratio.median).toBeCloseTo(
      single.variants.fenced.median / single.variants.bare.median,
    )
    const locks = report.figures.find((figure: { unit: string }) => figure.unit === 'locks')
    expect(locks.variants).toMatchObject({ fenced: { median: 25 }, bare: { median: 0 } })
  }, 180_000)

  test.skipIf(psql === null)(
    'moves a shard beside psql and the naive script',
    async () => {
      const { ended, said } = startBench(['move', '--json', '--rows', '300', '--runs', '1'])
      expect(await ended, said.error).toBe(0)
      const { figures } = JSON.parse(said.out)
      const [whole] = figures
      expect(whole.ratio.median).toBeCloseTo(
        whole.variants.rehome.median / whole.variants.psql.median,
      )
      const units = new Set(figures.map(({ unit }: { unit: string }) => unit))
      const memory = process.platform === 'linux' ? ['MB'] : []
      expect([...units].sort()).toEqual([...memory, 'MB/s', 'rows/s', 's'])
    },
    180_000,
  )

  test('measures how long a writing tenant waits', async () => {
    const { ended, said } = startBench(['pause', '--json', '--rows', '1000', '--runs', '1'])
    expect(await ended, said.error).toBe(0)
    const [wait] = JSON.parse(said.out).figures
    const { online, offline, naive, replication } = wait.variants
    for (const variant of [online, offline, naive, replication]) {
      expect(variant.median).toBeGreaterThan(0)
    }
  }, 180_000)

  test('takes its server with it when it is interrupted', async () => {
    await using place = await makePlace()
    const { child, ended, said } = startBench(['fence'], { TMPDIR: place.path })
    await eventually(() => expect(said.error).toContain('single rows'), { withinMs: 60_000 })
    expect(await directoriesOf('bench', place.path)).toHaveLength(1)
    child.kill('SIGINT')
    expect(await ended, said.error).toBe(130)
    expect(await directoriesOf('bench', place.path)).toEqual([])
  })
})

// The benches from the outside: that they run, say what they found, and refuse a wrong call. How
// fast anything is, is not asserted.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { describe, expect, test } from 'vitest'
import { alternate, figureOf } from '../../bench/bench.ts'
import { findLoad } from '../../bench/load.ts'
import { missed } from '../../bench/print.ts'
import { findPsql } from '../../bench/shards/peers.ts'
import { createDatabase } from '../helpers/database.ts'
import { eventually } from '../helpers/eventually.ts'
import { directoriesOf, makePlace } from '../helpers/processes.ts'

const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href
const program = fileURLToPath(new URL('../../bench/main.ts', import.meta.url))

function start(args: readonly string[], environment: Record<string, string> = {}) {
  const env = { ...process.env, ...environment }
  const child = spawn(process.execPath, ['--import', tsx, program, ...args], { env })
  const said = { out: '', error: '' }
  child.stdout.on('data', (bytes) => {
    said.out += bytes
  })
  child.stderr.on('data', (bytes) => {
    said.error += bytes
  })
  return { child, said, ended: once(child, 'close').then(([code]) => code as number | null) }
}

const psql = await findPsql().catch(() => null)

describe('npm run bench', () => {
  test('prints one JSON object, with what was measured on what', async () => {
    const small = ['--rows', '50', '--runs', '1', '--seconds', '1']
    const { ended, said } = start(['fence', '--json', ...small])
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
      const { ended, said } = start(['move', '--json', '--rows', '300', '--runs', '1'])
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
    const { ended, said } = start(['pause', '--json', '--rows', '1000', '--runs', '1'])
    expect(await ended, said.error).toBe(0)
    const [wait] = JSON.parse(said.out).figures
    const { online, offline, naive, replication } = wait.variants
    for (const variant of [online, offline, naive, replication]) {
      expect(variant.median).toBeGreaterThan(0)
    }
  }, 180_000)

  test.each([
    [['fence', '--rows', 'many'], /'--rows <n>'.*'many'.*whole number/],
    [['fence', '--runs', '0'], /'--runs <n>'.*'0'.*whole number/],
    [['fence', '--quick'], /unknown option '--quick'/],
    [['fences'], /'fences'.*choices are .*fence/],
    [[], /missing required argument 'bench'/],
  ])('refuses %j in one line', async (args, message) => {
    const { ended, said } = start(args)
    expect(await ended).toBe(2)
    expect(said.error.trim().split('\n')).toEqual([expect.stringMatching(message)])
    expect(said.out).toBe('')
  })

  test('takes its server with it when it is interrupted', async () => {
    await using place = await makePlace()
    const { child, ended, said } = start(['fence'], { TMPDIR: place.path })
    await eventually(() => expect(said.error).toContain('single rows'), { withinMs: 60_000 })
    expect(await directoriesOf('bench', place.path)).toHaveLength(1)
    child.kill('SIGINT')
    expect(await ended, said.error).toBe(130)
    expect(await directoriesOf('bench', place.path)).toEqual([])
  })
})

test('a load is run without pgbench, too', async () => {
  await using database = await createDatabase()
  await database.pool.query('create table writes (n integer, level text, durable text)')
  const script = `\\set n random(3, 5)
begin;
insert into writes values (:n, current_setting('transaction_isolation'), null::text);
\\sleep 1 ms
commit;
`
  const load = await findLoad('node')
  const settings = { default_transaction_isolation: 'repeatable read' }
  const result = await load.run(
    {
      url: database.url,
      clients: 2,
      seconds: 1,
      scripts: [script],
      protocol: 'prepared',
      settings,
    },
    new AbortController().signal,
  )
  const query = `select count(*)::integer as count, min(n) >= 3 and max(n) <= 5 as random,
    array_agg(distinct level) as levels from writes`
  const { rows } = await database.pool.query(query)
  expect(rows).toEqual([{ count: result.transactions, random: true, levels: ['repeatable read'] }])
})

test('variants take turns, and each begins some of the rounds', async () => {
  const order: string[] = []
  const variant = (name: string) => async () => order.push(name)
  const { signal } = new AbortController()
  const results = await alternate({ runs: 3, signal }, { a: variant('a'), b: variant('b') })
  expect(order.join('')).toBe('abbaab')
  expect(results).toEqual({ a: [1, 4, 5], b: [2, 3, 6] })
})

test('an aim that was missed is named, and a ratio is the median of the rounds', () => {
  const samples = { fenced: [90, 20, 300], bare: [100, 40, 100] }
  const aim = { of: 'ratio', relation: 'at least', limit: 0.95 } as const
  const figure = figureOf({ what: 'writes', unit: 'tx/s', samples, ratio: ['fenced', 'bare'], aim })
  expect(figure.ratio?.median).toBe(0.9)
  expect(missed([figure])).toEqual(['missed: writes: 0.9, not at least 0.95'])
  const lower = figureOf({
    ...{ what: 'writes', unit: 'tx/s', samples, ratio: ['fenced', 'bare'] },
    aim: { ...aim, limit: 0.9 },
  })
  expect(missed([lower])).toEqual(['every aim was met'])
})

// How the benches refuse a wrong call, and how they measure. That they run is in bench.all.test.ts.
import { describe, expect, test } from 'vitest'
import { alternate, figureOf } from '../../bench/bench.ts'
import { findLoad } from '../../bench/load.ts'
import { readCall } from '../../bench/options.ts'
import { missed } from '../../bench/print.ts'
import { createDatabase } from '../helpers/database.ts'
import { startBench } from '../helpers/processes/bench-process.ts'

describe('npm run bench', () => {
  test.each([
    [['fence', '--rows', 'many'], /'--rows <n>'.*'many'.*whole number/],
    [['fence', '--runs', '0'], /'--runs <n>'.*'0'.*whole number/],
    [['fence', '--quick'], /unknown option '--quick'/],
    [['fences'], /'fences'.*choices are .*fence/],
    [[], /missing required argument 'bench'/],
  ])('refuses %j', (args, message) => {
    expect(() => readCall(args)).toThrow(message)
  })

  test('says in one line what is wrong with a call', async () => {
    const { ended, said } = startBench(['fences'])
    expect(await ended).toBe(2)
    expect(said.error.trim().split('\n')).toEqual([expect.stringMatching(/'fences'.*choices/)])
    expect(said.out).toBe('')
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

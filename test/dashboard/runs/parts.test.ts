// What the pages of runs are made of: states, addresses, advice, prices.
import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import type { Move, Run } from '../../../src/control/database.ts'
import { priceOf } from '../../../src/dashboard/actions/price.ts'
import { adviceFor, advicesIn } from '../../../src/dashboard/runs/advice.ts'
import { stateOf } from '../../../src/dashboard/runs/cells.ts'
import { readRunQuery, runPath } from '../../../src/dashboard/runs/run-query.ts'
import { actionPath, readActionPath } from '../../../src/dashboard/tenant-path.ts'
import { errorCodes } from '../../../src/errors.ts'
import { span } from '../../../src/numbers.ts'

test('every error code has its advice, as plain text', async () => {
  const advices = advicesIn(await readFile('docs/errors.md', 'utf8'))
  expect([...advices.keys()].toSorted()).toEqual(Object.keys(errorCodes).toSorted())
  expect([...advices].filter(([, text]) => /\]\(|\*\*|^#/m.test(text))).toEqual([])
  expect(adviceFor('PLAN_INVALID')).toMatch(
    /^Correct the fields .*\. plan\.md describes every field\.$/,
  )
  expect(adviceFor('NO_SUCH_CODE')).toBeNull()
})

test('an audit does not make a moved tenant one that is on its way', () => {
  expect(stateOf({ open: true, errand: 'audit', phase: 'audit' })).toBe('moved')
  expect(stateOf({ open: true, errand: 'rollback', phase: 'undo_drain' })).toBe('working')
  expect(stateOf({ open: true, errand: 'move', phase: 'queued' })).toBe('waiting')
  expect(stateOf({ open: false, errand: 'move', phase: 'failed' })).toBe('failed')
})

test.each(['', 'a b', '?&#%', 'ü/..', '"><b>'])(
  'a search for %j survives its address',
  (search) => {
    const query = { search, phase: 'failed', code: 'USAGE', sort: 'pause', page: 3 } as const
    const url = new URL(runPath('run-1', query), 'http://board')
    expect(readRunQuery(Object.fromEntries(url.searchParams))).toEqual(query)
  },
)

test('an address that makes no sense asks for the first page', () => {
  const first = { search: '', phase: '', code: '', sort: 'tenant', page: 0 }
  for (const page of ['0', '-1', '1e99', 'x', '']) {
    expect(readRunQuery({ page, sort: 'no' }), page).toEqual(first)
  }
  expect(readRunQuery(undefined)).toEqual(first)
})

test.each(['acme', '..', 'a.json', 'a/b', '%'])(
  'the page of an errand finds tenant %j',
  (tenant) => {
    const { pathname } = new URL(actionPath('cleanup', 'run-1', tenant), 'http://board')
    expect(readActionPath(pathname)).toMatchObject({ errand: 'cleanup', runId: 'run-1', tenant })
  },
)

test('lengths of time are written with the unit that one reads best', () => {
  const texts = [null, 0.4, 87, 2_345, 59_999, 200_000, 7_500_000, 6 * 86_400_000].map(span)
  expect(texts).toEqual([
    ...['–', '0.4 ms', '87 ms', '2.3 s', '60 s', '3 min 20 s', '2 h 5 min', '6 days'],
  ])
})

const run = { source: 'db1', target: 'db2', attempts: 3 } as Run
const move = { phase: 'moved', open: false, window_until: null, pause_ms: 120, evidence: {} }
const priced = (errand: Parameters<typeof priceOf>[0], changes: object) => {
  const facts = { run, events: [], now: new Date('2026-01-01') }
  return priceOf(errand, { ...facts, move: { ...move, ...changes } as unknown as Move })
}

test('a rollback within its window loses nothing, and says what the last audit found', () => {
  const audit = { at: '2025-12-31T10:00:00Z', changes: 1234, ms: 5 }
  const open = { window_until: new Date('2026-01-02'), evidence: { audit } }
  const price = priced('rollback', open)
  expect(price).toMatchObject({ losses: [], mayDiscard: true })
  expect(price.sentences.join(' ')).toMatch(/found 1,234 of these changes.*for 120 ms/)
})

test('a rollback without a window says how many rows an earlier request has counted', () => {
  const writes = { evidence: { writesSinceCutover: { rows: 17, tables: {} } } }
  expect(priced('rollback', writes).losses).toEqual([
    '17 rows written at the target since the cutover',
  ])
  expect(priced('rollback', {})).toMatchObject({ losses: [], mayDiscard: true })
})

test('a rollback before the cutover costs nothing, a clean-up ends every rollback', () => {
  const failed = { phase: 'failed', rows_copied: '40' }
  expect(priced('rollback', failed)).toMatchObject({ losses: [], mayDiscard: false })
  expect(priced('cleanup', { evidence: { copied: { notes: { read: 40, written: 40 } } } })).toEqual(
    {
      mayDiscard: false,
      losses: ['every rollback of this move', 'the old copy'],
      sentences: [expect.stringContaining('40 rows'), expect.stringContaining('do not pause')],
    },
  )
})

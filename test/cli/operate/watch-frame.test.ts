// The picture of a watched run: it fits every window, whatever tenants are called.
import stringWidth from 'string-width'
import { describe, expect, test } from 'vitest'
import { bar, clip, pad, screenOf } from '../../../src/cli/operate/terminal.ts'
import { span, type Watched, watchFrame } from '../../../src/cli/operate/watch-frame.ts'
import type { RunOverview } from '../../../src/control/runs/run-overview.ts'
import type { TenantLine } from '../../../src/control/runs/run-tenants.ts'

const names = [
  'acme',
  '東京の大きな会社東京の大きな会社',
  '👩‍👩‍👧‍👦👩‍👩‍👧‍👦 family',
  'x'.repeat(300),
  'red\u001b[31m',
  'é'.repeat(60),
]

const line = (tenant: string, i: number): TenantLine => ({
  tenant_id: tenant,
  ...{ phase: 'copy', errand: 'move', open: true, attempt: 1, rows_copied: String(i * 1000) },
  ...{
    rows_total: '100000',
    pause_ms: null,
    error_code: null,
    error_message: null,
    gives_way: null,
  },
  ...{ window_until: null, updated_at: new Date(0) },
})

const overview: RunOverview = {
  ...{ at: new Date(0), tenants: 10_000, remaining: 3_000, rowsCopied: 5, lastEndedAt: null },
  phases: [{ phase: 'moved', errand: 'move', open: false, tenants: 7_000 }],
  failures: names.map((example, i) => ({ code: `CODE_${i}`, tenants: 5, waiting: 0, example })),
  pauses: { tenants: 9, buckets: [], medianMs: 1, p99Ms: 2, slowestMs: 3, slowestTenant: '東京' },
  estimate: {
    tenantsPerMinute: 82,
    rowsPerSecond: 1000,
    left: { ms: 1e6, fromMs: 9e5, toMs: null },
  },
}

const many = Array.from({ length: 200 }, (_, i) => line(names[i % names.length] ?? '', i))
const failed = many.map((one) => ({
  ...one,
  open: false,
  error_code: 'ROWS_DIFFER',
  error_message: '東京'.repeat(99),
}))
const watched: Watched = {
  ...{ runId: 'run-1', ends: 'db1 → db2', overview, notices: ['n'.repeat(500)] },
  ...{ working: many, ended: failed },
}

describe.each([
  [80, 24],
  [200, 60],
  [40, 10],
  [20, 5],
  [10, 2],
])('in a window of %i columns and %i rows', (columns, rows) => {
  test.each([true, false])('no line is wider, and none is lost below (colour: %s)', (color) => {
    const lines = watchFrame(watched, { columns, rows, color })
    expect(lines.length).toBeLessThanOrEqual(Math.max(1, rows - 1))
    expect(lines.filter((text) => stringWidth(text) > columns)).toEqual([])
    expect(lines.join('')).not.toContain('red\u001b')
    if (!color) expect(lines.join('')).not.toContain('\u001b')
  })
})

test('says what the run comes to, before its tenants', () => {
  const lines = watchFrame(watched, { columns: 160, rows: 40, color: false })
  expect(lines[0]).toBe('run-1 · db1 → db2')
  expect(lines[1]).toMatch(/^█{28}░{12} 70 % · 7,000 of 10,000 tenants$/)
  expect(lines[2]).toBe('7,000 moved · 82/min, 1,000 rows/s, about 17 min left (15 min to ?)')
  expect(lines[3]).toBe('pauses: median 1 ms, p99 2 ms, slowest 3 ms (東京)')
  expect(lines[4]).toBe('CODE_0 ×5, e.g. acme')
  const [working, ended] = ['on their way', 'ended last'].map((title) => lines.indexOf(title))
  expect(working).toBeGreaterThan(4)
  expect(ended).toBeGreaterThan(working ?? 0)
})

test('texts are cut between characters as people see them', () => {
  expect(clip('東京都', 5)).toBe('東京…')
  expect(clip('東京都', 4)).toBe('東…')
  expect(clip('👩‍👩‍👧‍👦👩‍👩‍👧‍👦', 3)).toBe('👩‍👩‍👧‍👦…')
  expect(stringWidth(pad('東京', 7))).toBe(7)
  expect([bar(0, 4), bar(0.5, 4), bar(2, 4)]).toEqual(['░░░░', '██░░', '████'])
  expect([5, 1_500, 300_000, 9e6].map(span)).toEqual(['5 ms', '1.5 s', '5 min', '2.5 h'])
})

test('a pipe is no terminal, and NO_COLOR is obeyed', () => {
  const stream = (isTTY: boolean) => ({ isTTY, columns: 90, rows: 30 }) as NodeJS.WriteStream
  expect(screenOf(stream(false), {})).toBeNull()
  expect(screenOf(stream(true), {})).toEqual({ columns: 90, rows: 30, color: true })
  expect(screenOf(stream(true), { NO_COLOR: '1' })?.color).toBe(false)
})

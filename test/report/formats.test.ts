// What a report says, and that hostile names stay names in each format.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { canonicalJson } from '../../src/report/canonical.ts'
import { cellText } from '../../src/report/csv.ts'
import { createTotals } from '../../src/report/statistics.ts'
import { tenantReportOf } from '../../src/report/tenant-report.ts'
import { at, collected, event, lived, moveOf, newKey, textOf } from './sample.ts'

const hostile = [
  '</script><script>alert(1)</script>',
  '<!--<img src=x onerror=alert(1)>',
  '" onmouseover="alert(1)',
  "'><svg/onload=alert(1)>",
  '=cmd|"/c calc"!A1',
  '+1+1',
  '-2+3',
  '@SUM(1)',
  '\t=1+1',
  'a;=1+1',
  'a",=1+1',
  '＝1+1',
  'a\r\n=1+1',
  '\u202egnp.exe',
  '\u001b[2J',
  '\u2028x',
  '{"seal":',
]

test('canonical JSON is one text for one value, and gives the value back', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = canonicalJson(value)
      // JSON writes -0 as 0.
      expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)))
      expect(canonicalJson(JSON.parse(text))).toBe(text)
      expect(text).not.toMatch(/[<>&\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
    }),
    { examples: hostile.map((name): [string] => [name]) },
  )
  expect(canonicalJson({ b: 1, a: { 10: 2, 9: 1 }, c: undefined })).toBe(
    '{"a":{"10":2,"9":1},"b":1}',
  )
})

test('hostile names come out of the JSON as they are, and are harmless on a terminal', async () => {
  const text = await textOf(collected(hostile, hostile[0]), 'json')
  const { report } = JSON.parse(text)
  expect(report.tenants.map(({ tenant }: { tenant: string }) => tenant)).toEqual(hostile)
  expect(text.trimEnd()).not.toMatch(/[<>\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
})

test.each(hostile)('%j adds no tag and no attribute to the page', async (name) => {
  const shape = (text: string) =>
    text
      .replace(/(id="rehome-(report|seal)">).*?<\/script>/g, '$1</script>')
      .match(/<[^>]*>/g)
      ?.filter((tag) => !tag.startsWith('<svg'))
      .map((tag) => tag.replace(/(content)="[^"]*"/, '$1'))
  const plain = shape(await textOf(collected(['x'], 'x'), 'html'))
  const page = await textOf(collected([name], name), 'html')
  expect(shape(page)).toEqual(plain)
  expect(page).not.toContain('\u202e')
})

test('the page runs nothing and loads nothing, and its policy says so', async () => {
  const page = await textOf(collected(['acme']), 'html', newKey().privateKey)
  expect(page).toMatch(/Content-Security-Policy" content="default-src 'none'; style-src 'sha256-/)
  expect(page).not.toMatch(/\s(style|on\w+|src|href)=/)
  expect(page.match(/<script/g)).toHaveLength(2)
  expect(page.match(/<script type="application\/json"/g)).toHaveLength(2)
  expect(page.match(/<svg/g)).toHaveLength(2)
})

/** Cells that a spreadsheet reads, whichever character it takes for the separator. */
function cells(text: string, separator: string): string[] {
  return text.split('\r\n').flatMap((line) => line.split(separator))
}

test.each([',', ';', '\t'])('no cell begins as a formula where %j separates them', async (by) => {
  const csv = await textOf(collected(hostile, '=1'), 'csv')
  const formulas = cells(csv, by).filter((cell) => /^[\s"]*[=+\-@＝＋－＠]/.test(cell))
  expect(formulas).toEqual([])
  expect(csv.split('\r\n')).toHaveLength(hostile.length + 2)
})

test('a cell keeps a plain text and a number as they are', () => {
  expect([cellText('acme-1'), cellText('say "hi"'), cellText(-1.5), cellText(null)]).toEqual([
    ...['"acme-1"', '"say ""hi"""', '-1.5', ''],
  ])
})

test('a tenant has what was compared, when, and who asked for it; and no secret', () => {
  const asked = { by: 'ann', reason: 'password=hunter2' }
  const events = [
    ...lived.slice(0, 2),
    event(2, 'waiting UNREACHABLE: no answer'),
    event(3, 'settled moved'),
    event(500, 'asked rollback asked for by ann', asked),
    event(501, 'settled rolled_back'),
  ]
  const report = tenantReportOf({
    move: moveOf('acme', { attempt: 2 }),
    events,
    eventsRemoved: false,
  })
  expect(report).toMatchObject({
    ...{ tenant: 'acme', attempts: 2, failures: 1, pauseMs: 120, durationMs: 3000 },
    ...{ startedAt: at(0), endedAt: at(3), notProven: [], hash: 'md5' },
    tables: [{ table: 'notes', read: 3, expected: 3, found: 3, digest: 'd1', equal: true }],
  })
  expect(report.events[4]).toMatchObject({ by: 'ann', reason: 'password=***' })
  expect(JSON.stringify(report)).not.toContain('must not appear')
})

test('everything that was not proven is named', () => {
  const evidence = {
    copied: { notes: { read: 3, written: 3 }, lines: { read: 1, written: 1 } },
    verified: { tables: [{ table: 'notes', equal: true, notCompared: ['extra'] }] },
    quarantined: { rows: 2, tables: { lines: 2 } },
    leftBehind: [{ table: 'audit', foreignKey: 'audit_note', rows: 4 }],
    straysUnseen: true,
    unproven: [{ where: 'source', message: 'writes are kept out by the application alone' }],
  }
  const { notProven } = tenantReportOf({
    move: moveOf('acme', { evidence }),
    events: [],
    eventsRemoved: false,
  })
  expect(notProven.map(({ kind, where }) => `${kind} ${where}`)).toEqual([
    'not-compared lines',
    'columns-not-compared notes',
    'quarantined lines',
    'left-behind audit',
    'late-rows source',
    'end-cannot-prove source',
  ])
})

test('evidence of another shape is read as none', () => {
  const evidence = { verified: 'x', copied: [1], straysUnseen: 7, source: 3, pauseMs: 'long' }
  const report = tenantReportOf({
    move: moveOf('acme', { evidence }),
    events: [],
    eventsRemoved: false,
  })
  expect(report).toMatchObject({ tables: [], notProven: [], pauseMs: 120, durationMs: null })
})

test('times are counted in bars from the first to the last one', () => {
  const totals = createTotals()
  const pauses = [3, 4, 30, 0.5, null]
  for (const [i, pauseMs] of pauses.entries()) {
    const tenant = tenantReportOf({
      move: moveOf(`t${i}`, { pause_ms: pauseMs }),
      events: [],
      eventsRemoved: false,
    })
    totals.add(tenant)
  }
  const { pauses: found, durations } = totals.end()
  expect(found).toMatchObject({ count: 4, medianMs: 3, p99Ms: 30, slowestTenant: 't2' })
  expect(found.bars.map(({ fromMs, toMs, count }) => [fromMs, toMs, count])).toEqual([
    ...[
      [0, 1, 1],
      [1, 2, 0],
      [2, 5, 2],
      [5, 10, 0],
      [10, 20, 0],
      [20, 50, 1],
    ],
  ])
  expect(durations).toMatchObject({ count: 0, medianMs: null, bars: [] })
})

test('a report on removed events has neither a count of failures nor times', async () => {
  const events = [event(9, 'phase cleanup'), event(10, 'settled cleaned')]
  const tenant = tenantReportOf({ move: moveOf('acme'), events, eventsRemoved: true })
  const unknown = { failures: null, startedAt: null, endedAt: null, durationMs: null }
  expect(tenant).toMatchObject({ ...unknown, eventsRemoved: true, attempts: 1 })
  const removed = collected(['acme'], 'tester', at(30))
  const page = await textOf(removed, 'html')
  expect(page).toMatch(/removed by the retention, of errands that ended up to 2026-01-01 00:00:30/)
  expect(page).toContain('<td class="n">–</td>')
  const [head = '', line = ''] = (await textOf(removed, 'csv')).split('\r\n')
  const cell = (name: string) => line.split(',')[head.split(',').indexOf(name)]
  expect([cell('failures'), cell('started_at'), cell('events_removed')]).toEqual(['', '', 'true'])
  const { report } = JSON.parse(await textOf(removed, 'json'))
  expect(report.run.eventsRemovedUntil).toBe(at(30).toISOString())
})

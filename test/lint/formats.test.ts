// Reports for machines: SARIF by its schema, annotations of GitHub by its escapes.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { annotation, countsText, findingText } from '../../src/lint/formats.ts'
import { lintTexts } from '../../src/lint/lint.ts'
import { rulesOf } from '../../src/lint/rules-of.ts'
import { sarifLog } from '../../src/lint/sarif.ts'

/** The parts of the published schema that the report uses: required fields, no others. */
const text = z.strictObject({ text: z.string().min(1), markdown: z.string().optional() })
const level = z.enum(['none', 'note', 'warning', 'error'])
const positive = z.int().min(1)
const region = z.strictObject({
  startLine: positive,
  startColumn: positive.optional(),
  snippet: z.strictObject({ text: z.string() }).optional(),
})
/** RFC 3986, a relative reference: no scheme, no characters that have to be escaped. */
const uriReference = z.string().regex(/^(?![^/?#]*:)(?:[\w!$&'()*+,;=:@/.~-]|%[0-9A-F]{2})*$/)
const result = z.strictObject({
  ruleId: z.string(),
  ruleIndex: z.int().min(0),
  level,
  message: text,
  locations: z.array(
    z.strictObject({
      physicalLocation: z.strictObject({
        artifactLocation: z.strictObject({ uri: uriReference }),
        region,
      }),
    }),
  ),
})
const reportingDescriptor = z.strictObject({
  id: z.string().min(1),
  shortDescription: text,
  fullDescription: text,
  help: text,
  defaultConfiguration: z.strictObject({ level }),
})
const driver = z.strictObject({
  name: z.string().min(1),
  version: z.string(),
  rules: z.array(reportingDescriptor),
})
const log = z.strictObject({
  $schema: z.url(),
  version: z.literal('2.1.0'),
  runs: z.array(
    z.strictObject({
      tool: z.strictObject({ driver }),
      columnKind: z.enum(['utf16CodeUnits', 'unicodeCodePoints']),
      results: z.array(result),
    }),
  ),
})

const hostile = [
  { path: 'a b/é%,:#1.sql', text: 'DROP TABLE "a%,\r\n::b";\nALTER TABEL x;' },
  { path: '-', text: 'DROP TABLE c;\n-- rehome:allow nothing' },
]
const rules = rulesOf('postgresql')
const tool = { version: '1.2.3', rules, shownPath: (path: string) => path }

test('SARIF is accepted by its schema, and names a rule of the list', async () => {
  const findings = [
    ...(await lintTexts(hostile)),
    ...(await lintTexts(
      rules.map(({ code, example }) => ({ path: `${code}.sql`, text: example })),
    )),
  ]
  const { runs } = log.parse(JSON.parse(JSON.stringify(sarifLog(findings, tool))))
  const [run] = runs
  expect(run?.results).toHaveLength(findings.length)
  for (const { ruleId, ruleIndex } of run?.results ?? [])
    expect(run?.tool.driver.rules[ruleIndex]?.id).toBe(ruleId)
})

test('an annotation is one line, whatever stands in names', async () => {
  const findings = await lintTexts([{ path: 'a,b%:c.sql', text: 'DROP TABLE "x%\r\ny";' }])
  const lines = findings.map(annotation)
  expect(lines).not.toHaveLength(0)
  for (const line of lines) {
    expect(line).toMatch(/^::(error|warning) file=a%2Cb%25%3Ac\.sql,line=1,col=1,title=[^:,]+::/)
    expect(line).not.toMatch(/[\r\n]/)
    expect(line).not.toMatch(/%(?!25|0D|0A|3A|2C)/)
  }
})

test('text has the place, the lock, the steps and the page', async () => {
  const findings = await lintTexts([{ path: 'a.sql', text: 'CREATE INDEX i ON t (a);' }])
  const [finding] = findings.filter(({ code }) => code === 'index-not-concurrent')
  expect(finding && findingText(finding).split('\n')).toEqual([
    'a.sql:1:1 error index-not-concurrent: index "i" on "t" is built without CONCURRENTLY',
    '  Locks SHARE on "t" (blocks writes) until all rows are read and the index is built.',
    '  Writes to the table wait until the index is built. Reads go on.',
    '  1. Build the index beside reads and writes, outside of a transaction. Remove what an',
    '  interrupted build has left behind first.',
    '     SET lock_timeout = 0;',
    '     DROP INDEX CONCURRENTLY IF EXISTS i;',
    '     CREATE INDEX CONCURRENTLY i ON t (a);',
    '  docs/schema-changes/index-not-concurrent.md',
  ])
  expect(countsText(findings)).toBe('1 error, 1 warning')
})

// Reports for machines: SARIF by its schema, annotations of GitHub by its escapes.
import { createRequire } from 'node:module'
import { Ajv } from 'ajv'
import addFormats from 'ajv-formats'
import { expect, test } from 'vitest'
import { annotation, countsText, findingText } from '../../src/lint/formats.ts'
import { lintTexts } from '../../src/lint/lint.ts'
import { rulesOf } from '../../src/lint/rules-of.ts'
import { sarifLog } from '../../src/lint/sarif.ts'

/**
 * The schema that OASIS has published, whole, as a package for tests of such reports has it. It
 * says nothing in which the draft that it names differs from that of the validator.
 */
const require = createRequire(import.meta.url)
const {
  id: _id,
  $schema: _draft,
  ...published
} = require('@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json')
const ajv = new Ajv({ allErrors: true, strict: false, unicodeRegExp: false })
addFormats.default(ajv)
const isSarif = ajv.compile(published)

interface Log {
  readonly runs: readonly {
    readonly tool: { readonly driver: { readonly rules: readonly { readonly id: string }[] } }
    readonly results: readonly { readonly ruleId: string; readonly ruleIndex: number }[]
  }[]
}

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
  const log: Log = JSON.parse(JSON.stringify(sarifLog(findings, tool)))
  isSarif(log)
  expect(isSarif.errors ?? []).toEqual([])
  const [run] = log.runs
  expect(run?.results).toHaveLength(findings.length)
  for (const { ruleId, ruleIndex } of run?.results ?? [])
    expect(run?.tool.driver.rules[ruleIndex]?.id).toBe(ruleId)
})

test('the schema refuses a report that is none', () => {
  for (const broken of [{ version: '2.1.0' }, { version: '2.1.0', runs: [{ results: [] }] }])
    expect(isSarif(broken)).toBe(false)
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
    '  Writes to the table wait until the index is built. Reads go on. A partitioned table refuses',
    '  CONCURRENTLY: create the index ON ONLY the table, then one with CONCURRENTLY on each',
    '  partition, and attach those with ALTER INDEX … ATTACH PARTITION.',
    '  1. Build the index beside reads and writes, outside of a transaction. Remove what an',
    '  interrupted build has left behind first.',
    '     SET lock_timeout = 0;',
    '     DROP INDEX CONCURRENTLY IF EXISTS i;',
    '     CREATE INDEX CONCURRENTLY i ON t (a);',
    '  docs/schema-changes/index-not-concurrent.md',
  ])
  expect(countsText(findings)).toBe('1 error, 1 warning')
})

// The locks that rules claim are those that a server takes, and a table is written again exactly
// where a rule says so. The examples and safe steps of all rules run on a server.
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { lintTexts } from '../../src/lint/lint.ts'
import { loadParser, parseSql } from '../../src/lint/postgres/parse.ts'
import type { Finding, RuleText } from '../../src/lint/rule.ts'
import { rulesOf } from '../../src/lint/rules-of.ts'
import { createDatabase, type TestDatabase, templateDatabase } from '../helpers/database.ts'
import {
  corpusRows,
  corpusSchema,
  inTransaction,
  outsideTransaction,
} from '../helpers/lint/lint-corpus.ts'
import { claimedLocks, measure, measureOutside } from '../helpers/lint/lint-locks.ts'

let template = ''
let database: TestDatabase

beforeAll(async () => {
  template = await templateDatabase('lint_corpus', async (connectionString) => {
    const client = new pg.Client({ connectionString })
    await client.connect()
    await client.query(corpusSchema)
    await client.query(corpusRows)
    await client.end()
  })
  database = await createDatabase({ template })
})

afterAll(() => database[Symbol.asyncDispose]())

/** After the schema, in a file of its own, so that all tables are in use. */
async function findingsOf(sql: string): Promise<Finding[]> {
  const text = `set lock_timeout = '2s';\n${sql}`
  const texts = [
    { path: 'schema.sql', text: corpusSchema },
    { path: 'change.sql', text },
  ]
  const findings = await lintTexts(texts, { assumeVersion: '18' })
  return findings.filter(({ file }) => file === 'change.sql')
}

const kinds = [
  { where: 'in a transaction', entries: inTransaction, run: measure },
  { where: 'outside of a transaction', entries: outsideTransaction, run: measureOutside },
]

describe.each(kinds)('$where', ({ entries, run }) => {
  test.each(entries.map(([sql, ...codes]) => [sql, codes] as const))('%s', async (sql, codes) => {
    const findings = await findingsOf(sql)
    expect(findings.map(({ code }) => code)).toEqual(codes)
    const { locks, rewrites, scans } = await run(database.pool, sql)
    expect(await claimedLocks(corpusSchema, sql)).toEqual(locks)
    expect(findings.some(({ cost }) => cost === 'rewrite')).toBe(rewrites)
    if (scans !== undefined && codes.length > 0)
      expect(findings.some(({ cost }) => cost !== 'instant')).toBe(scans)
  })
})

const exampleOptions = { assumeVersion: '14', plannedTables: ['orders'] }

/** Steps that are no SQL for a server with the corpus: they name what the example does not have. */
const withoutServer = new Set(['syntax', 'builder-call', 'allow-comment', 'dynamic-sql'])

async function statementsOf(sql: string): Promise<string[]> {
  const { statements } = parseSql(await loadParser(), sql)
  return statements.map(({ text }) => text)
}

async function stepsOf({ code, example }: RuleText): Promise<readonly string[]> {
  const texts = [{ path: 'example.sql', text: example }]
  const findings = await lintTexts(texts, exampleOptions)
  const own = findings.find((finding) => finding.code === code)
  return (own?.steps ?? []).flatMap(({ sql }) => (sql === undefined ? [] : [sql]))
}

describe('the safe steps of', () => {
  const rules = rulesOf('postgresql').filter(({ code }) => !withoutServer.has(code))

  test.each(rules.map((rule) => [rule.code, rule] as const))(
    '%s run on a server',
    async (_, rule) => {
      const steps = await stepsOf(rule)
      if (steps.length === 0) return
      await using own = await createDatabase({ template })
      const client = await own.pool.connect()
      for (const sql of await statementsOf(steps.join('\n'))) await client.query(sql)
      client.release()
    },
  )
})

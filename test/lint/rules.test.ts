// Every rule finds its own example, claims the lock that its statement takes, and its safe steps
// are found by no rule.
import { describe, expect, test } from 'vitest'
import { type Dialect, dialects, lintTexts } from '../../src/lint/lint.ts'
import type { Finding, RuleText } from '../../src/lint/rule.ts'
import { rulesOf } from '../../src/lint/rules-of.ts'

const versions = {
  postgresql: { oldest: '14', newest: '18' },
  mysql: { oldest: '8.0', newest: '8.4' },
}

async function findingsIn(rule: RuleText, dialect: Dialect): Promise<Finding[]> {
  const path = rule.exampleFile ?? 'example.sql'
  return await lintTexts([{ path, text: rule.example }], {
    dialect,
    assumeVersion: rule.exampleVersion ?? versions[dialect].oldest,
    plannedTables: rule.code.startsWith('planned-') ? ['orders'] : [],
  })
}

/** The steps as migrations that are run one after the other. */
async function findingsInSteps({ steps }: Finding, dialect: Dialect): Promise<string[]> {
  const texts = steps.flatMap(({ sql }, i) => (sql ? [{ path: `step-${i + 1}`, text: sql }] : []))
  const findings = await lintTexts(texts, { dialect, assumeVersion: versions[dialect].newest })
  return findings.map(({ file, code, message }) => `${file}: ${code}: ${message}`)
}

const rules = dialects.flatMap((dialect) =>
  rulesOf(dialect).map((rule) => [rule.code, rule, dialect] as const),
)

describe.each(rules)('%s', (code, rule, dialect) => {
  test('finds its example once, with the lock and the steps that its page promises', async () => {
    const own = (await findingsIn(rule, dialect)).filter((finding) => finding.code === code)
    expect(own).toHaveLength(1)
    const [finding] = own
    if (!finding) return
    if (rule.lock) expect(finding.locks.map(({ mode }) => mode)).toContain(rule.lock)
    expect(JSON.stringify(finding)).not.toMatch(/\{=?\w+\}/)
    expect(finding.steps.length).toBeGreaterThan(0)
    expect(await findingsInSteps(finding, dialect)).toEqual([])
  })
})

test('codes are different', () => {
  const codes = rules.map(([code]) => code)
  expect(new Set(codes).size).toBe(codes.length)
})

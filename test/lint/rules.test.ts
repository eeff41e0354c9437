// Every rule finds its own example, claims the lock that its statement takes, and its safe steps
// are found by no rule.
import { describe, expect, test } from 'vitest'
import { lintTexts, rulesOf } from '../../src/lint/lint.ts'
import type { Finding, RuleText } from '../../src/lint/rule.ts'

async function findingsIn(rule: RuleText): Promise<Finding[]> {
  const path = rule.exampleFile ?? 'example.sql'
  return await lintTexts([{ path, text: rule.example }], {
    assumeVersion: rule.exampleVersion ?? '14',
    plannedTables: rule.code.startsWith('planned-') ? ['orders'] : [],
  })
}

/** The steps as migrations that are run one after the other. */
async function findingsInSteps({ steps }: Finding): Promise<string[]> {
  const texts = steps.flatMap(({ sql }, i) => (sql ? [{ path: `step-${i + 1}`, text: sql }] : []))
  const findings = await lintTexts(texts, { assumeVersion: '18' })
  return findings.map(({ file, code, message }) => `${file}: ${code}: ${message}`)
}

describe.each(rulesOf('postgresql').map((rule) => [rule.code, rule] as const))(
  '%s',
  (code, rule) => {
    test('finds its example once, with the lock and the steps that its page promises', async () => {
      const own = (await findingsIn(rule)).filter((finding) => finding.code === code)
      expect(own).toHaveLength(1)
      const [finding] = own
      if (!finding) return
      if (rule.lock) expect(finding.locks.map(({ mode }) => mode)).toContain(rule.lock)
      expect(JSON.stringify(finding)).not.toMatch(/\{=?\w+\}/)
      expect(finding.steps.length).toBeGreaterThan(0)
      expect(await findingsInSteps(finding)).toEqual([])
    })
  },
)

test('codes are different', () => {
  const codes = rulesOf('postgresql').map(({ code }) => code)
  expect(new Set(codes).size).toBe(codes.length)
})

// docs/schema-changes/ has a page for each rule, with what the rule says.
import { readdir, readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { pageText, rulesList } from '../../dev/rule-page.ts'
import { dialects } from '../../src/lint/lint.ts'
import { pageOf } from '../../src/lint/rule.ts'
import { rulesOf } from '../../src/lint/rules-of.ts'

const read = (path: string) => readFile(new URL(`../../${path}`, import.meta.url), 'utf8')

const rules = dialects.flatMap((dialect) =>
  rulesOf(dialect).map((rule) => [rule.code, rule, dialect] as const),
)

test.each(rules)(
  'the page of %s says what the rule says (npx tsx dev/rule-pages.ts)',
  async (code, rule, dialect) => {
    expect(await read(pageOf(code))).toBe(await pageText(rule, dialect))
  },
)

test('each page belongs to a rule', async () => {
  const pages = await readdir(new URL('../../docs/schema-changes', import.meta.url))
  expect(pages.sort()).toEqual(rules.map(([code]) => `${code}.md`).sort())
})

test.each(dialects)('the overview lists the rules for %s', async (dialect) => {
  expect(await read('docs/schema-changes.md')).toContain(rulesList(rulesOf(dialect)))
})

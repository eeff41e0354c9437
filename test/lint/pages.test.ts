// docs/schema-changes/ has a page for each rule, with what the rule says.
import { readdir, readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { pageText, rulesList } from '../../dev/rule-page.ts'
import { dialects } from '../../src/lint/lint.ts'
import { pageOf } from '../../src/lint/rule.ts'
import { rulesOf } from '../../src/lint/rules-of.ts'
import { inTransaction, outsideTransaction } from '../helpers/lint/lint-corpus.ts'

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

const cells = (line: string) => line.split('|').map((cell) => cell.trim())

test('the comparison has each rule, and each statement that is measured, with what is found', async () => {
  const [, byRule = '', byStatement = ''] = (await read('docs/schema-changes-compared.md')).split(
    /^## (?:Rule|Statement) by \w+$/m,
  )
  const rows = (text: string) =>
    text
      .split('\n')
      .filter((line) => /^\| [`a-z]/.test(line))
      .slice(1)
  const aboutText = ['syntax', 'builder-call', 'allow-comment', 'batches-comment']
  const codes = rulesOf('postgresql').map(({ code }) => code)
  expect(rows(byRule).map((row) => cells(row)[1])).toEqual(
    codes.filter((code) => !aboutText.includes(code)),
  )
  const measured = [...inTransaction, ...outsideTransaction]
  const shown = rows(byStatement).map((row) => cells(row).slice(1, 3))
  expect(shown).toHaveLength(measured.length)
  for (const [i, [sql, ...found]] of measured.entries()) {
    const [statement = '', mark] = shown[i] ?? []
    const start = statement.replace(/^`|…?`$/g, '')
    expect([sql.slice(0, start.length), mark]).toEqual([start, found.length > 0 ? '●' : '–'])
  }
})

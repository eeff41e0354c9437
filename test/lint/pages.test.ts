// docs/schema-changes/ has a page for each rule. Findings take their words from it.
import { readdir, readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { dialects, lintTexts } from '../../src/lint/lint.ts'
import { lockDuration, lockEffect } from '../../src/lint/lock-words.ts'
import { pageOf, type RuleText } from '../../src/lint/rule.ts'
import { readRule } from '../../src/lint/rule-pages.ts'
import { rulesOf } from '../../src/lint/rules-of.ts'
import { withoutNames } from '../../src/lint/wording.ts'
import { inTransaction, outsideTransaction } from '../helpers/lint/lint-corpus.ts'

const read = (path: string) => readFile(new URL(`../../${path}`, import.meta.url), 'utf8')

const rules = dialects.flatMap((dialect) =>
  rulesOf(dialect).map((rule) => [rule.code, rule, dialect] as const),
)

describe.each(rules)('the page of %s', (code, rule, dialect) => {
  test('explains the lock and the cost in the words of findings', async () => {
    const page = await read(pageOf(code))
    const { lock, cost } = rule
    const locked = lock === null ? 'no table, or it depends' : `${lock}: it ${lockEffect(lock)}`
    const needed = lock === null ? cost : `${cost}: the lock is needed ${lockDuration(cost)}`
    expect(page).toContain(`\n- **Lock**: ${locked}\n- **Cost**: ${needed}\n`)
    expect(page).toContain(`\nTo accept it as it is, write \`-- rehome:allow ${code} reason\``)
    if (dialect === 'mysql') expect(page).toContain('\n- **Known from**: the manuals of MySQL')
  })

  test('has an example of a step that is made from the statement', async () => {
    const [, example] = (await read(pageOf(code))).split('\n## For example\n')
    const made = rule.steps.findIndex(({ sql = '' }) => /^\{=\w+\}$/m.test(sql))
    expect(example !== undefined).toBe(made >= 0)
    if (example === undefined) return
    const findings = await lintTexts([{ path: 'example.sql', text: rule.example }], {
      dialect,
      assumeVersion: rule.exampleVersion,
    })
    const finding = findings.find((one) => one.code === code)
    expect(example).toContain(`Step ${made + 1} for the statement above`)
    expect(example).toContain(`\`\`\`sql\n${finding?.steps[made]?.sql}\n\`\`\``)
  })
})

test.each(['Finds', 'Level', 'Cost'])('a page without its part "%s" is refused', async (part) => {
  const page = await read(pageOf('column-dropped'))
  expect(() => readRule('column-dropped', page.replace(part, 'Else'))).toThrow('lacks')
})

test('each page belongs to a rule', async () => {
  const pages = await readdir(new URL('../../docs/schema-changes', import.meta.url))
  expect(pages.sort()).toEqual(rules.map(([code]) => `${code}.md`).sort())
})

function entryOf({ code, level, title }: RuleText): string {
  const link = `[\`${code}\`](schema-changes/${code}.md)`
  return `- ${link}${level === 'error' ? '' : ` (${level})`}: ${withoutNames(title)}`
}

test.each(dialects)('the overview lists the rules for %s', async (dialect) => {
  const overview = (await read('docs/schema-changes.md')).replaceAll(/\n {2}(?=\S)/g, ' ')
  expect(overview).toContain(`\n${rulesOf(dialect).map(entryOf).join('\n')}\n`)
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

/** Text of docs/schema-changes/CODE.md and of the list of rules, from the data of the rules. */

import { type Dialect, lintTexts } from '../src/lint/lint.ts'
import { lockDuration, lockEffect } from '../src/lint/lock-words.ts'
import type { Finding, RuleText } from '../src/lint/rule.ts'
import { withoutNames } from '../src/lint/wording.ts'

/** The rule's own finding in its example. */
async function exampleOf(rule: RuleText, dialect: Dialect): Promise<Finding> {
  const path = rule.exampleFile ?? 'example.sql'
  const findings = await lintTexts([{ path, text: rule.example }], {
    dialect,
    assumeVersion: rule.exampleVersion,
    plannedTables: rule.code.startsWith('planned-') ? ['orders'] : [],
  })
  const found = findings.find(({ code }) => code === rule.code)
  if (!found) throw new Error(`rule "${rule.code}" does not find its example`)
  return found
}

const manuals = 'the manuals of MySQL 5.7, 8.0 and 8.4'

export async function pageText(rule: RuleText, dialect: Dialect): Promise<string> {
  const { message, level, steps, safeFrom } = await exampleOf(rule, dialect)
  const { code, lock, cost, breaks, example, exampleFile } = rule
  const locked = lock === null ? 'no table, or it depends' : `${lock}: it ${lockEffect(lock)}`
  return [
    `# \`${code}\``,
    '',
    ...wrapped(`${capitalized(message)}.`),
    '',
    fenced(example, exampleFile ? 'ts' : 'sql'),
    '',
    ...wrapped(`- **Level**: ${level}`),
    ...wrapped(`- **Lock**: ${locked}`),
    ...(lock === null ? [] : wrapped(`- **How long**: ${lockDuration(cost)}`)),
    ...(safeFrom === null ? [] : wrapped(`- **Safe**: ${safeFrom}`)),
    ...(dialect === 'mysql'
      ? wrapped(`- **Known from**: ${manuals}; not measured on a server`)
      : []),
    '',
    '## What breaks',
    '',
    ...wrapped(breaks),
    '',
    '## Safe steps',
    '',
    ...steps.flatMap(({ does, sql }, i) => [
      ...wrapped(`${i + 1}. ${does}`, '   '),
      ...(sql === undefined ? [] : ['', indented(fenced(sql, 'sql')), '']),
    ]),
    ...(steps.at(-1)?.sql === undefined ? [''] : []),
    ...wrapped(
      `To accept it as it is, write \`-- rehome:allow ${code} reason\` before the statement.`,
    ),
    '',
  ].join('\n')
}

export function rulesList(rules: readonly RuleText[]): string {
  const items = rules.flatMap(({ code, level, title }) => {
    const link = `[\`${code}\`](schema-changes/${code}.md)`
    return wrapped(`- ${link}${level === 'error' ? '' : ` (${level})`}: ${withoutNames(title)}`)
  })
  return items.join('\n')
}

function fenced(text: string, language: string): string {
  return `\`\`\`${language}\n${text}\n\`\`\``
}

function indented(text: string): string {
  return text.replaceAll(/^(?=.)/gm, '   ')
}

function capitalized(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1)
}

const widthMax = 118

function wrapped(text: string, indent = '  '): string[] {
  const hangs = /^(- |\d+\. )/.test(text) ? indent : ''
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const line = lines.at(-1)
    if (line === undefined) lines.push(word)
    else if (line.length + 1 + word.length > widthMax) lines.push(`${hangs}${word}`)
    else lines[lines.length - 1] = `${line} ${word}`
  }
  return lines
}

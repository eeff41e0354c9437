/**
 * Reads the page of a rule in docs/schema-changes/. Its texts stand there alone, for readers and
 * for findings.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { packageRoot } from '../migrations.ts'
import { costs, levels, pageOf, type RuleText, type Step } from './rule.ts'

const texts = new Map<string, RuleText>()

/** Throws where the rule has no page, or one that lacks a part. */
export function ruleText(code: string): RuleText {
  const stored = texts.get(code)
  if (stored) return stored
  const text = readRule(code, readFileSync(join(packageRoot(), pageOf(code)), 'utf8'))
  texts.set(code, text)
  return text
}

export function readRule(code: string, page: string): RuleText {
  const [head = '', breaks = '', steps = ''] = page.split(/^## .*\n/m)
  const fact = (name: string) =>
    new RegExp(`^- \\*\\*${name}\\*\\*: (.*(?:\\n {2}.*)*)`, 'm').exec(head)?.[1]
  const [, title, file, example] =
    /^Finds: ([\s\S]*?)\.\n\n```\w+ ?(.*)\n([\s\S]*?)\n```/m.exec(head) ?? []
  const level = levels.find((one) => one === fact('Level'))
  const cost = costs.find((one) => fact('Cost')?.startsWith(one))
  if (!title || example === undefined || !level || !cost) {
    throw new Error(`${pageOf(code)} lacks what the rule finds, its example, level or cost`)
  }
  const [safeFrom, exampleVersion] = [fact('Safe'), fact('Example for')?.replace('version ', '')]
  return {
    code,
    level,
    title: joined(title),
    lock: /^([A-Z=][A-Z= ]+):/.exec(fact('Lock') ?? '')?.[1] ?? null,
    cost,
    breaks: joined(breaks),
    steps: stepsIn(steps),
    ...(safeFrom !== undefined && { safeFrom: joined(safeFrom) }),
    example,
    ...(file && { exampleFile: file }),
    ...(exampleVersion !== undefined && { exampleVersion }),
  }
}

/** Numbered paragraphs, each with its SQL if it has some. */
function stepsIn(section: string): Step[] {
  const items = section.split(/^(?:\d+\. |(?=To accept it))/m).slice(1, -1)
  return items.map((item) => {
    const [does = '', sql] = item.split(/^ {3}```(?:sql\n([\s\S]*?)\n {3}```)?$/m)
    return { does: joined(does), ...(sql !== undefined && { sql: sql.replace(/^ {3}/gm, '') }) }
  })
}

/** A paragraph as one line. */
function joined(text: string): string {
  return text.trim().replace(/\s*\n\s*/g, ' ')
}

/** Makes a finding from the page of a rule, the names of what it found, and the place. Pure. */
import { type Finding, type Names, pageOf } from './rule.ts'
import { ruleText } from './rule-pages.ts'
import type { SourceFile } from './source-file.ts'
import { fillSql, fillText } from './wording.ts'

export interface Place {
  readonly line: number
  readonly column: number
  /** The statement; empty: the finding is about the file. */
  readonly text: string
}

export interface About {
  readonly at: Place
  readonly names?: Names
  readonly locks?: Finding['locks']
}

export function placeAt(line: number): Place {
  return { line, column: 1, text: '' }
}

export function findingFrom(
  code: string,
  { path }: SourceFile,
  { at, names = {}, locks = [] }: About,
): Finding {
  const { level, title, cost, breaks, steps, safeFrom = null } = ruleText(code)
  return {
    code,
    level,
    file: path,
    line: at.line,
    column: at.column,
    statement: at.text,
    message: fillText(title, names),
    locks,
    cost,
    breaks: fillText(breaks, names),
    steps: steps.map(({ does, sql }) => ({
      does: fillText(does, names),
      ...(sql !== undefined && { sql: fillSql(sql, names) }),
    })),
    safeFrom,
    page: pageOf(code),
  }
}

/** Two operations of one statement may be found for the same reason. */
export function withoutRepeats(findings: readonly Finding[]): Finding[] {
  return findings.filter(
    ({ message }, i) => findings.findIndex((other) => other.message === message) === i,
  )
}

/** Findings as SARIF 2.1.0, which code scanning services read. Pure. */
import { lockDuration, readableLock } from './lock-words.ts'
import type { Finding, RuleText } from './rule.ts'
import { withoutNames } from './wording.ts'

const schema = 'https://json.schemastore.org/sarif-2.1.0.json'

interface Tool {
  readonly version: string
  readonly rules: readonly RuleText[]
  /** Path of a finding as the report shall have it. */
  readonly shownPath: (path: string) => string
}

export function sarifLog(findings: readonly Finding[], tool: Tool): object {
  const driver = { name: 'rehome lint', version: tool.version, rules: tool.rules.map(descriptor) }
  const results = findings.map((finding) => resultOf(finding, tool))
  return {
    $schema: schema,
    version: '2.1.0',
    runs: [{ tool: { driver }, columnKind: 'utf16CodeUnits', results }],
  }
}

function descriptor({ code, level, title, breaks, lock, cost }: RuleText): object {
  const lasts = lock === null ? '' : ` Lock: ${lock}, ${lockDuration(cost)}.`
  return {
    id: code,
    shortDescription: { text: withoutNames(title) },
    fullDescription: { text: withoutNames(breaks) },
    help: { text: `${withoutNames(breaks)}${lasts}` },
    defaultConfiguration: { level },
  }
}

function resultOf(finding: Finding, { rules, shownPath }: Tool): object {
  const { code, level, file, line, column, statement } = finding
  const region = {
    startLine: line,
    startColumn: column,
    ...(statement !== '' && { snippet: { text: statement } }),
  }
  const artifactLocation = { uri: uriOf(shownPath(file)) }
  return {
    ruleId: code,
    ruleIndex: rules.findIndex((rule) => rule.code === code),
    level,
    message: { text: messageOf(finding) },
    locations: [{ physicalLocation: { artifactLocation, region } }],
  }
}

function messageOf(finding: Finding): string {
  const { message, breaks, steps } = finding
  const sql = steps.map(({ does, sql }, i) => [`${i + 1}. ${does}`, sql].filter(Boolean).join('\n'))
  return [message, readableLock(finding), breaks, ...sql].filter(Boolean).join('\n')
}

/** A relative reference: a colon in its first part would be a scheme. */
function uriOf(path: string): string {
  if (path === '-') return 'stdin'
  return encodeURI(path).replaceAll('?', '%3F').replaceAll('#', '%23').replaceAll(':', '%3A')
}

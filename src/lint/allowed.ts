/**
 * Comments that silence a rule for one statement: `-- rehome:allow CODE reason`.
 *
 * A comment belongs to the statement in whose lines it stands, else to the next one.
 */

export interface Lines {
  readonly line: number
  readonly endLine: number
}

interface Comment {
  readonly text: string
  readonly line: number
}

export interface Allowance {
  readonly code: string
  readonly reason: string
  readonly line: number
  /** Index of the statement that it is for; -1: there is none. */
  readonly statement: number
}

const marker = /^(?:--|#|\/\*)\s*rehome:allow\b[ \t]*([\w-]*)[ \t]*([\s\S]*?)\s*(?:\*\/)?$/

export function allowances(
  comments: readonly Comment[],
  statements: readonly Lines[],
): Allowance[] {
  return comments.flatMap(({ text, line }) => {
    const [, code, reason = ''] = marker.exec(text) ?? []
    if (code === undefined) return []
    const within = statements.findIndex((one) => one.line <= line && line <= one.endLine)
    const next = statements.findIndex((one) => one.line > line)
    return [{ code, reason, line, statement: within >= 0 ? within : next }]
  })
}

/** Why the comment allows nothing, if so. */
export function faultOf(
  { code, reason, statement }: Allowance,
  codes: ReadonlySet<string>,
): string | null {
  if (code === '') return 'it names no rule (`-- rehome:allow CODE reason`)'
  if (!codes.has(code)) return `no rule is called "${code}" (\`rehome lint --list\`)`
  if (reason.trim() === '') return `"${code}" has no reason (\`-- rehome:allow ${code} reason\`)`
  return statement < 0 ? `no statement follows it` : null
}

/** Comments that silence a rule for one statement: `-- rehome:allow CODE reason`. Pure. */

export interface Lines {
  readonly line: number
  readonly endLine: number
}

interface Comment {
  readonly text: string
  readonly line: number
}

interface Allowances {
  /** Comments that allow nothing, and why. */
  readonly faults: readonly { readonly line: number; readonly message: string }[]
  allows(statement: number, code: string): boolean
}

const marker = /^(?:--|#|\/\*)\s*rehome:allow\b[ \t]*([\w-]*)[ \t]*([\s\S]*?)\s*(?:\*\/)?$/

/** `codes`: rules that there are. */
export function allowancesIn(
  comments: readonly Comment[],
  statements: readonly Lines[],
  codes: Readonly<Record<string, unknown>>,
): Allowances {
  const all = comments.flatMap(({ text, line }) => {
    const [, code, reason = ''] = marker.exec(text) ?? []
    if (code === undefined) return []
    const statement = statementOf(line, statements)
    return [{ code, line, statement, message: faultOf({ code, reason, statement }, codes) }]
  })
  return {
    faults: all.flatMap(({ line, message }) => (message === null ? [] : [{ line, message }])),
    allows: (statement, code) =>
      all.some((one) => one.statement === statement && one.code === code && one.message === null),
  }
}

/** Index of the statement in whose lines a comment stands, else of the next one; -1: none. */
export function statementOf(line: number, statements: readonly Lines[]): number {
  const within = statements.findIndex((one) => one.line <= line && line <= one.endLine)
  return within >= 0 ? within : statements.findIndex((one) => one.line > line)
}

function faultOf(
  { code, reason, statement }: { code: string; reason: string; statement: number },
  codes: Readonly<Record<string, unknown>>,
): string | null {
  if (code === '') return 'it names no rule (`-- rehome:allow CODE reason`)'
  if (!(code in codes)) return `no rule is called "${code}" (\`rehome lint --list\`)`
  if (reason.trim() === '') return `"${code}" has no reason (\`-- rehome:allow ${code} reason\`)`
  return statement < 0 ? `no statement follows it` : null
}

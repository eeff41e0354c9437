/** A fault that a case has shown. */

export interface Fault {
  /** Equal for faults of one kind, whatever their tables and rows are called. */
  readonly what: string
  readonly details: readonly string[]
}

/** The first line of a message without the names and numbers of its case. */
export function shapeOf(message: string): string {
  const [line = ''] = message.split('\n')
  return line.replace(/"[^"]*"|'[^']*'|`[^`]*`|\([^)]*\)|\d+/g, '…').slice(0, 100)
}

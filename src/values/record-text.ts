/** Reads a row as PostgreSQL writes it: `(1,"a, b",)`. Pure. */

/** The fields of a record; NULL is null. null: the text is no record. */
export function recordFields(text: string): (string | null)[] | null {
  if (!text.startsWith('(') || !text.endsWith(')')) return null
  const fields: (string | null)[] = []
  const field = /(?:"((?:[^"\\]|\\.|"")*)"|([^",()\\]*))(,|\)$)/sy
  field.lastIndex = 1
  while (field.lastIndex < text.length) {
    const match = field.exec(text)
    if (!match) return null
    const [, quoted, plain, end] = match
    fields.push(quoted === undefined ? plain || null : unquoted(quoted))
    if (end === ')') return fields
  }
  return null
}

function unquoted(text: string): string {
  return text.replace(/\\(.)|""/gs, (_, escaped: string | undefined) => escaped ?? '"')
}

/**
 * Texts in quotes of a programming language: where they end, what their escapes stand for, values
 * put in between. Lines stay where they are. Pure.
 */

/** Blanks with the same line feeds. */
export function blank(text: string): string {
  return text.replace(/[^\n]/g, ' ')
}

const joint = /['"`](\s*(?:\+|\\\r?\n)\s*)(['"`])/y

/**
 * The text from `start` to the quote that ends it, together with texts that `+` or a backslash at
 * the end of the line adds to it.
 */
export function quotedText(text: string, start: number, quote: string): string {
  let result = ''
  let from = start
  let closing = quote
  for (;;) {
    const end = endOfQuoted(text, from, closing)
    result += withoutEscapes(text.slice(from, end))
    joint.lastIndex = end
    const [whole, between = '', next] = joint.exec(text) ?? []
    if (whole === undefined || next === undefined) return result
    result += ` ${blank(between)} `
    from = end + whole.length
    closing = next
  }
}

/** A backslash before a quote stands for the quote. What becomes shorter gets blanks at its end. */
function withoutEscapes(text: string): string {
  const plain = text.replace(/\\([\s\S])/g, (_, char: string) => (/[ntr]/.test(char) ? ' ' : char))
  return plain + ' '.repeat(text.length - plain.length)
}

function endOfQuoted(text: string, start: number, quote: string): number {
  for (let i = start; i < text.length; i += 1) {
    if (text[i] === '\\') i += 1
    else if (quote === '`' && text.startsWith('${', i)) i = endOfBraces(text, i + 2, '{}')
    else if (text[i] === quote) return i
  }
  return text.length
}

/** Index of the brace that closes one before `start`. */
export function endOfBraces(text: string, start: number, [open, close]: string): number {
  let depth = 1
  for (let i = start; i < text.length; i += 1) {
    if (text[i] === close) depth -= 1
    else if (text[i] === open) depth += 1
    if (depth === 0) return i
  }
  return text.length
}

const interpolation = /[$#]\{((?:[^{}]|\{[^{}]*\})*)\}/g
const kyselyName = /^\s*sql\.(?:table|ref|id)\(\s*['"]([\w.]+)['"]\s*\)\s*$/

export function hasInterpolation(sql: string): boolean {
  return sql.search(interpolation) >= 0
}

/** Each interpolated value is a name of its own, as long as it was. */
export function withoutInterpolations(sql: string): string {
  return sql.replace(interpolation, (whole, inner: string) => {
    const name = kyselyName.exec(inner)?.[1]
    if (name !== undefined) return name.padEnd(whole.length)
    const [first = ''] = whole.split('\n')
    return first.replace(/[^\w]/g, '_').padEnd(3, '_') + blank(whole.slice(first.length))
  })
}

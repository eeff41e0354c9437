/** Names and texts as the code of a plan. Pure. */

export function columnsText(columns: readonly string[]): string {
  const [first = '', ...more] = columns.map(quote)
  return more.length === 0 ? first : `[${[first, ...more].join(', ')}]`
}

/** A name as a key of an object. */
export function property(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : quote(name)
}

/** A hostile name neither ends a comment nor turns its direction. */
export function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, ' ')
}

export function quote(text: string): string {
  const escaped = JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")
  return `'${visible(escaped)}'`
}

export function upperFirst(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1)
}

/** SQL within backticks. */
export function template(text: string): string {
  return visible(text.replace(/[\\`]|\$\{/g, '\\$&'))
}

/** Characters that do not show, as escapes of a string or of a template. */
function visible(code: string): string {
  return code.replace(/[\p{Cf}\p{Zl}\p{Zp}]/gu, (c) => `\\u{${c.codePointAt(0)?.toString(16)}}`)
}

/**
 * Canonical JSON: one text for one value, so that it can be signed, compared and found changed.
 * Keys in the order of their UTF-16 units and no spaces, as in RFC 8785. In addition, characters
 * that a terminal or an HTML page could obey are written as `\uXXXX`: the same bytes are harmless
 * in a file, on a terminal, and between the tags of a page.
 */

export function canonicalJson(value: unknown): string {
  return textOf(value).replace(/[<>&\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, escapes)
}

function textOf(value: unknown): string {
  if (value instanceof Date) return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(textOf).join(',')}]`
  if (value === null || typeof value !== 'object') return JSON.stringify(value ?? null)
  // An object of JavaScript would have keys that are numbers before all others.
  const entries = Object.entries(value).filter(([, part]) => part !== undefined)
  const parts = entries
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, part]) => `${JSON.stringify(key)}:${textOf(part)}`)
  return `{${parts.join(',')}}`
}

/** One escape for each UTF-16 unit. */
function escapes(character: string): string {
  const units = character.split('').map((unit) => unit.charCodeAt(0).toString(16).padStart(4, '0'))
  return units.map((unit) => `\\u${unit}`).join('')
}

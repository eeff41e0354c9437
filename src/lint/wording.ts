/** Puts the names of a finding into the texts of its rule. Pure. */
import { ident } from '../quote.ts'
import type { Names } from './rule.ts'

const placeholder = /\{(\w+)\}/g
/** Placeholders that are joined to one name, such as `{table}_{column}_check`. */
const joined = /(?:\w*\{\w+\})+\w*/g

/** For people: every name stands in quotes; `{=name}` is verbatim. */
export function fillText(text: string, names: Names): string {
  return verbatim(text, names).replace(placeholder, (_, name) => `"${names[name] ?? name}"`)
}

/** For a server: names are quoted where they need it; `{=name}` is verbatim. */
export function fillSql(text: string, names: Names): string {
  return verbatim(text, names).replace(joined, (whole) => {
    const single = /^\{(\w+)\}$/.exec(whole)
    if (single) return quoted(names[single[1] ?? ''] ?? single[1] ?? '')
    const name = whole.replace(placeholder, (_, part) => lastOf(names[part] ?? part))
    return quoted(name.slice(0, nameBytesMax))
  })
}

/** For lists of rules. */
export function withoutNames(text: string): string {
  return text.replaceAll(/\{=?\w+\}/g, '…')
}

const nameBytesMax = 63

function verbatim(text: string, names: Names): string {
  return text.replace(/\{=(\w+)\}/g, (_, name) => names[name] ?? name)
}

function lastOf(name: string): string {
  return name.slice(name.lastIndexOf('.') + 1)
}

function quoted(name: string): string {
  return name
    .split('.')
    .map((part) => (/^[a-z_][a-z0-9_]*$/.test(part) ? part : ident(part)))
    .join('.')
}

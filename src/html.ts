/**
 * HTML as text. Invariant: what is put into a template is escaped, unless it came out of one;
 * nothing else makes an `Html`. Tenant ids are hostile, so characters that cannot be seen are
 * shown.
 */
export class Html {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

export type Content = Html | string | number | null | readonly Html[]

export function html(parts: TemplateStringsArray, ...values: readonly Content[]): Html {
  return new Html(parts.reduce((text, part, i) => text + render(values[i - 1] ?? null) + part))
}

function render(value: Content): string {
  if (value === null) return ''
  if (value instanceof Html) return value.text
  if (typeof value === 'object') return value.map((each) => each.text).join('\n')
  return visible(String(value)).replace(/[&<>"'`]/g, (c) => `&#${c.charCodeAt(0)};`)
}

/** Control characters, and those that turn text around, are shown instead of obeyed. */
export function visible(text: string): string {
  return text.replace(/(?![\n\t])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, (c) => {
    return `\\u{${c.codePointAt(0)?.toString(16) ?? ''}}`
  })
}

export function shorten(text: string, most: number): string {
  const characters = [...text]
  return characters.length > most ? `${characters.slice(0, most - 1).join('')}…` : text
}

/** For text of ours that must stay as it is, such as a stylesheet. Never for anything given. */
export function constant(text: string): Html {
  return new Html(text)
}

/** HTML for people: a page, and what stands at the head of the application's own pages. */
import type { Refusal } from './refusal.ts'
import { type Texts, whenToTryAgain } from './texts.ts'

/** Safe as text and in quoted attributes. */
function escapeHtml(text: string): string {
  const entities: Readonly<Record<string, string>> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  }
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? '')
}

export function pageOf(refusal: Refusal, texts: Texts): string {
  const { reason, retryAfterS } = refusal
  const sentence = `${texts.notSaved} ${whenToTryAgain(texts, retryAfterS)}`
  const why = reason === null ? '' : `\n    <p>${escapeHtml(reason)}</p>`
  return `<!doctype html>
<html lang="${escapeHtml(texts.language)}">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>${escapeHtml(texts.title)}</title>
    <style>
      body { font: 1.1rem/1.5 system-ui, sans-serif; margin: 15vh auto; max-width: 32rem }
    </style>
  </head>
  <body>
    <h1>${escapeHtml(texts.title)}</h1>${why}
    <p>${escapeHtml(sentence)}</p>
  </body>
</html>
`
}

/** `role="status"` is read out without taking anybody's focus away. */
export function bannerOf(kind: 'banner' | 'notice', sentences: readonly string[]): string {
  const [first = '', ...others] = sentences.filter(Boolean).map(closed).map(escapeHtml)
  const text = [`<strong>${first}</strong>`, ...others].join(' ')
  return `<div role="status" class="rehome-${kind}">${text}</div>`
}

/** Reasons are written without a full stop as often as with one. */
function closed(sentence: string): string {
  return /[\p{L}\p{N})]$/u.test(sentence) ? `${sentence}.` : sentence
}

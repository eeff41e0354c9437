/** Numbers and times as pages write them. Times are UTC; a script turns them into local ones. */
import { type Html, html } from './html.ts'

export function number(value: number): string {
  return value.toLocaleString('en')
}

/** Rounded to what can be read at a glance: `850 ms`, `12.5 s`, `3 min 20 s`, `2 h 05 min`. */
export function span(ms: number | null | undefined): string {
  if (ms === null || ms === undefined) return '–'
  if (ms < 10) return `${ms.toFixed(1)} ms`
  if (ms < 1000) return `${Math.round(ms)} ms`
  if (ms < 60_000) return `${(ms / 1000).toFixed(1).replace(/\.0$/, '')} s`
  const s = Math.round(ms / 1000)
  if (s < 3600) return `${Math.floor(s / 60)} min ${String(s % 60).padStart(2, '0')} s`
  const minutes = Math.round(s / 60)
  if (minutes < 48 * 60) return `${Math.floor(minutes / 60)} h ${minutes % 60} min`
  return `${Math.round(minutes / 60 / 24)} days`
}

export function time(at: Date): Html {
  const text = at.toISOString()
  return html`<time datetime="${text}">${text.replace('T', ' ')}</time>`
}

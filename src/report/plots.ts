/**
 * Distributions as inline SVG: without a script, without a style of an element, and readable
 * without colours.
 */
import { type Html, html } from '../html.ts'
import { number, span } from '../numbers.ts'
import type { Distribution } from './statistics.ts'

const size = { width: 640, height: 220, left: 12, bottom: 40, top: 24 } as const

export function plot(title: string, times: Distribution): Html {
  if (times.count === 0)
    return html`<figure><figcaption>${title}: none measured</figcaption></figure>`
  const facts = `${number(times.count)} tenants · median ${span(times.medianMs)} · 99 % within ${span(times.p99Ms)} · slowest ${span(times.slowestMs)}`
  const { width, height, left, bottom } = size
  const base = height - bottom
  return html`<figure>
<figcaption><b>${title}</b> ${facts} (${times.slowestTenant})</figcaption>
<svg viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${title}: ${facts}">
<line x1="${left}" y1="${base}" x2="${width - left}" y2="${base}" stroke="#555"/>
${barsOf(times)}
</svg>
</figure>`
}

function barsOf({ bars }: Distribution): Html[] {
  const { width, height, left, bottom, top } = size
  const base = height - bottom
  const step = (width - 2 * left) / bars.length
  const most = Math.max(...bars.map(({ count }) => count))
  return bars.map(({ fromMs, toMs, count }, i) => {
    const tall = (count / most) * (base - top)
    const [x, y] = [left + i * step, base - tall]
    const middle = places(x + step / 2)
    const wide = places(Math.min(step * 0.8, 60))
    return html`<g><title>${number(count)} tenants from ${span(fromMs)} to below ${span(toMs)}</title>
<rect x="${places(x + (step - wide) / 2)}" y="${places(y)}" width="${wide}" height="${places(tall)}" fill="#5b7ea8" stroke="#2f4a6b"/>
<text x="${middle}" y="${places(y - 5)}" text-anchor="middle" font-size="11">${count === 0 ? '' : number(count)}</text>
<text x="${middle}" y="${base + 16}" text-anchor="middle" font-size="10">${i % labelEvery(bars.length) === 0 ? `< ${span(toMs)}` : ''}</text></g>`
  })
}

/** Labels must not run into each other. */
function labelEvery(bars: number): number {
  return Math.ceil(bars / 9)
}

function places(value: number): number {
  return Math.round(value * 10) / 10
}

/**
 * `npm run --silent bench -- pause --json | tsx bench/plot-pause.ts > docs/pause.svg`: the calls of
 * one online pause under load, one below the other, from the fence to the release.
 */
import { text } from 'node:stream/consumers'
import type { Report } from './print.ts'

const [width, left, top, rowHeight] = [960, 430, 40, 18]
const colours: readonly (readonly [start: string, colour: string])[] = [
  ['source', '#0b6e4f'],
  ['target', '#1d4ed8'],
  ['control', '#8a8a8a'],
]

interface Bar {
  readonly phase: string
  readonly to: string
  readonly text: string
  readonly fromMs: number
  readonly tookMs: number
}

function barsOf({ figures }: Report): Bar[] {
  return figures.flatMap(({ what, variants }) => {
    const [, phase, to, statement = ''] = /^call: (\w+): ([\w ]+): (.*)$/.exec(what) ?? []
    const [from, took] = [variants.from?.median, variants.took?.median]
    if (!phase || !to || from === undefined || took === undefined) return []
    return [{ phase, to, text: statement, fromMs: from, tookMs: took }]
  })
}

function plot(bars: readonly Bar[]): string {
  const endMs = Math.max(1, ...bars.map(({ fromMs, tookMs }) => fromMs + tookMs))
  const at = (ms: number) => left + (ms / endMs) * (width - left - 20)
  const height = top + rowHeight * bars.length + 30
  const ticks = Array.from({ length: 5 }, (_, i) => (endMs * i) / 4)
  const grid = ticks.map((ms) => {
    const x = at(ms).toFixed(1)
    return `<line x1="${x}" x2="${x}" y1="${top - 6}" y2="${height - 24}" stroke="#ddd"/>
  <text x="${x}" y="${height - 8}" text-anchor="middle" fill="#555">${Math.round(ms)}</text>`
  })
  const rows = bars.map(({ phase, to, text: statement, fromMs, tookMs }, i) => {
    const y = top + rowHeight * i
    const [, colour] = colours.find(([start]) => to.startsWith(start)) ?? ['', '#000']
    const words = escaped(`${phase} · ${statement.slice(0, 46)}`)
    const [start, end] = [at(fromMs), at(fromMs + tookMs)]
    return `<text x="8" y="${y + 12}" fill="#333">${words}</text>
  <rect x="${start.toFixed(1)}" y="${y + 2}" width="${Math.max(1, end - start).toFixed(1)}" height="${rowHeight - 4}" fill="${colour}"/>`
  })
  const key = colours.map(
    ([name, colour], i) =>
      `<text x="${left + 90 * i}" y="20" fill="${colour}" font-weight="bold">${name}</text>`,
  )
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="11">
  <title>Calls of an online pause under load, in ms since the fence was raised</title>
  <rect width="${width}" height="${height}" fill="#fff"/>
  <text x="8" y="20" fill="#555">ms since the first call of the fence</text>
  ${[...key, ...grid, ...rows].join('\n  ')}
</svg>
`
}

function escaped(words: string): string {
  return words.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

process.stdout.write(plot(barsOf(JSON.parse(await text(process.stdin)))))

/**
 * `npm run --silent bench -- growth --json | tsx bench/plot.ts > docs/growth.svg`: seconds by rows,
 * both axes by tens.
 */
import { text } from 'node:stream/consumers'
import type { Report } from './print.ts'

const [width, height, margin] = [640, 400, 56]
const colours: Readonly<Record<string, string>> = {
  rehome: '#0b6e4f',
  psql: '#8a8a8a',
  naive: '#c2410c',
}
const names: Readonly<Record<string, string>> = {
  rehome: 'rehome, whole move',
  psql: 'psql pipe',
  naive: 'naive script',
}

interface Point {
  readonly rows: number
  readonly seconds: number
}

function seriesOf(report: Report): Map<string, Point[]> {
  const series = new Map<string, Point[]>()
  for (const { what, unit, variants } of report.figures) {
    if (unit !== 's') continue
    const rows = Number(what.replace(/[^0-9]/g, ''))
    for (const [name, { median }] of Object.entries(variants)) {
      series.set(name, [...(series.get(name) ?? []), { rows, seconds: median }])
    }
  }
  return series
}

interface Axis {
  readonly powers: readonly number[]
  at(value: number): number
}

function axisOf(values: readonly number[], from: number, to: number): Axis {
  const first = Math.floor(Math.log10(Math.min(...values)))
  const last = Math.ceil(Math.log10(Math.max(...values)))
  const span = Math.max(last - first, 1)
  return {
    powers: Array.from({ length: span + 1 }, (_, i) => first + i),
    at: (value) => from + ((Math.log10(value) - first) / span) * (to - from),
  }
}

function plot(series: ReadonlyMap<string, readonly Point[]>): string {
  const points = [...series.values()].flat()
  const x = axisOf(
    points.map(({ rows }) => rows),
    margin,
    width - margin,
  )
  const y = axisOf(
    points.map(({ seconds }) => seconds),
    height - margin,
    margin / 2,
  )
  const grid = [
    ...x.powers.map((power) => {
      const at = x.at(10 ** power)
      return `<line x1="${at}" x2="${at}" y1="${margin / 2}" y2="${height - margin}"/>
  <text x="${at}" y="${height - margin + 18}" text-anchor="middle">${label(power)}</text>`
    }),
    ...y.powers.map((power) => {
      const at = y.at(10 ** power)
      return `<line x1="${margin}" x2="${width - margin}" y1="${at}" y2="${at}"/>
  <text x="${margin - 8}" y="${at + 4}" text-anchor="end">${label(power)}</text>`
    }),
  ]
  const lines = [...series].map(([name, list], i) => {
    const path = list.map((p) => `${x.at(p.rows).toFixed(1)},${y.at(p.seconds).toFixed(1)}`)
    const top = margin / 2 + 16 + 18 * i
    const colour = colours[name] ?? '#000'
    return `<polyline points="${path.join(' ')}" fill="none" stroke="${colour}" stroke-width="2"/>
  <text x="${margin + 12}" y="${top}" fill="${colour}">${names[name] ?? name}</text>`
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">
  <title>Seconds by rows: ${[...series.keys()].map((name) => names[name] ?? name).join(', ')}</title>
  <rect width="${width}" height="${height}" fill="#fff"/>
  <g stroke="#ddd">
  ${grid.join('\n  ').replaceAll('<text', '<text stroke="none" fill="#555"')}
  </g>
  ${lines.join('\n  ')}
  <text x="${width / 2}" y="${height - 12}" text-anchor="middle" fill="#555">rows of the tenant</text>
  <text x="12" y="${margin / 2 - 10}" fill="#555">seconds</text>
</svg>
`
}

function label(power: number): string {
  return power < 0 ? String(10 ** power) : (10 ** power).toLocaleString('en')
}

process.stdout.write(plot(seriesOf(JSON.parse(await text(process.stdin)))))

/** Figures for people: a table, the aims that were missed, and on what it was measured. */
import type { Aim, BenchSize, Figure } from './bench.ts'
import type { Machine } from './machine.ts'
import type { Spread } from './spread.ts'

export interface Report extends BenchSize {
  readonly bench: string
  readonly at: string
  readonly machine: Machine
  readonly load: string
  readonly settings: Readonly<Record<string, string>>
  readonly figures: readonly Figure[]
  readonly met: boolean
}

export function printReport(report: Report): string {
  const { machine, rows, runs, seconds, settings } = report
  const facts = [
    `${report.bench}: ${runs} rounds, slices of ${seconds} s, ${rows.toLocaleString('en')} rows`,
    `${machine.cores} cores (${machine.cpu}), ${machine.memoryGib} GiB, ${machine.platform}, ` +
      `Node.js ${machine.node}, PostgreSQL ${machine.postgres}`,
    `load by ${report.load}; 8 KiB are durable after ${short(machine.flushMs)} ms`,
    Object.entries(settings)
      .map(([name, value]) => `${name}=${value}`)
      .join(' '),
    ...busy(machine),
  ]
  return [...facts, '', table(report.figures), '', ...missed(report.figures)].join('\n')
}

function busy({ loadBefore, cores }: Machine): string[] {
  if (loadBefore < cores / 2) return []
  return [`Others keep this machine busy (load ${short(loadBefore)}): trust CPU times, not rates.`]
}

/** One line for each aim that was missed, or one that says that none was. */
export function missed(figures: readonly Figure[]): string[] {
  const lines = figures
    .filter((figure) => figure.met === false)
    .map(({ what, aim, ratio, variants }) => {
      const found = aim?.of === 'ratio' ? ratio : variants[aim?.of ?? '']
      return `missed: ${what}: ${found ? short(found.median) : 'nothing'}, not ${aimText(aim)}`
    })
  return lines.length > 0 ? lines : ['every aim was met']
}

function table(figures: readonly Figure[]): string {
  const names = [...new Set(figures.flatMap((figure) => Object.keys(figure.variants)))]
  const head = ['', 'unit', ...names, 'ratio', 'aim', '']
  const body = figures.map((figure) => [
    figure.what,
    figure.unit,
    ...names.map((name) => spreadText(figure.variants[name])),
    spreadText(figure.ratio),
    aimText(figure.aim),
    figure.met === null ? '' : figure.met ? 'met' : 'MISSED',
  ])
  const lines = [head, ...body]
  const widths = head.map((_, i) => Math.max(...lines.map((line) => line[i]?.length ?? 0)))
  return lines
    .map((line) =>
      line
        .map((cell, i) => pad(cell, i, widths[i] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** Words to the left, numbers to the right. */
function pad(cell: string, column: number, width: number): string {
  return column < 2 ? cell.padEnd(width) : cell.padStart(width)
}

function spreadText(spread: Spread | null | undefined): string {
  if (!spread) return ''
  const { median, low, high, samples } = spread
  if (samples.length === 1 || low === high) return short(median)
  return `${short(median)} (${short(low)}–${short(high)})`
}

function aimText(aim: Aim | null): string {
  if (!aim) return ''
  const { of, relation, limit } = aim
  return `${of === 'ratio' ? '' : `${of} `}${relation} ${limit.toLocaleString('en')}`
}

/** Three digits that mean something, no more. */
function short(value: number): string {
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en')
  return String(Number(value.toPrecision(3)))
}

/** Text that fits a terminal: widths as it shows them, colours where it has some. */
import { styleText } from 'node:util'
import stringWidth from 'string-width'

export interface Screen {
  readonly columns: number
  readonly rows: number
  readonly color: boolean
}

/** null: standard output is no terminal. */
export function screenOf(stream: NodeJS.WriteStream, env: NodeJS.ProcessEnv): Screen | null {
  if (!stream.isTTY) return null
  const color = !env.NO_COLOR && env.TERM !== 'dumb'
  return { columns: stream.columns || 80, rows: stream.rows || 24, color }
}

/** At most so many columns; what is cut off ends in `…`. */
export function clip(text: string, columns: number): string {
  if (stringWidth(text) <= columns) return text
  const segments = new Intl.Segmenter(undefined, { granularity: 'grapheme' }).segment(text)
  let kept = ''
  let width = 0
  for (const { segment } of segments) {
    width += stringWidth(segment)
    if (width > columns - 1) break
    kept += segment
  }
  return columns < 1 ? '' : `${kept}…`
}

/** Exactly so many columns. */
export function pad(text: string, columns: number): string {
  const fitting = clip(text, columns)
  return fitting + ' '.repeat(Math.max(0, columns - stringWidth(fitting)))
}

/** `share`: 0 to 1. */
export function bar(share: number, columns: number): string {
  const full = Math.round(Math.min(1, Math.max(0, share)) * columns)
  return '█'.repeat(full) + '░'.repeat(columns - full)
}

type Style = Parameters<typeof styleText>[0]

export function styled(text: string, style: Style, { color }: Pick<Screen, 'color'>): string {
  return color ? styleText(style, text, { validateStream: false }) : text
}

/** Output of the demonstration: lines, and on a terminal one line that changes in place. */
import { performance } from 'node:perf_hooks'
import type { RunSnapshot } from '../src/index.ts'

const tty = process.stdout.isTTY === true
let live = false

/** A line with the seconds since the start. */
export function tell(line: string): void {
  clearLive()
  const seconds = (performance.now() / 1000).toFixed(1).padStart(5)
  process.stdout.write(`${seconds} s  ${line}\n`)
}

export function tellPlain(text: string): void {
  clearLive()
  process.stdout.write(`${text}\n`)
}

let told = ''
let toldAt = 0

/** In place on a terminal; elsewhere a line every two seconds, and none twice. */
export function showProgress({ moves }: RunSnapshot): void {
  const rows = moves.reduce((sum, move) => sum + Number(move.rows_copied), 0)
  const ended = moves.filter((move) => !move.open).length
  const busy = moves.filter((move) => move.open && move.phase !== 'queued')
  const now = busy.map((move) => `${visible(move.tenant_id)}: ${move.phase}`).join(', ')
  const count = rows.toLocaleString('en').padStart(7)
  const line = `${bar(ended / moves.length)} ${ended}/${moves.length} tenants, ${count} rows · ${now}`
  if (tty) {
    live = true
    process.stdout.write(`\r\u001b[2K${line.slice(0, (process.stdout.columns ?? 80) - 1)}`)
  } else if (line !== told && performance.now() - toldAt > 2000) {
    told = line
    toldAt = performance.now()
    tell(line)
  }
}

function bar(share: number): string {
  const full = Math.round(share * 20)
  return `[${'#'.repeat(full)}${'.'.repeat(20 - full)}]`
}

function clearLive(): void {
  if (live) process.stdout.write('\r\u001b[2K')
  live = false
}

/** Ids of tenants are what people once typed: control characters are not for the terminal. */
export function visible(id: string): string {
  const shown = id.replace(/[\p{Cc}\p{Cf}]/gu, '?')
  return shown.length > 28 ? `${shown.slice(0, 27)}…` : shown
}

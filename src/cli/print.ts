/**
 * Text for a terminal: aligned tables, durations, and nothing that could play with the terminal.
 */
import type { Move } from '../control/database.ts'
import type { RunSnapshot } from '../coordinator/rehome.ts'
import { number } from '../numbers.ts'

/** Control characters of a hostile tenant id are shown, not obeyed. */
export function safe(text: string, most = 60): string {
  const shown = [...text].map((c) => (/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(c) ? escapeOf(c) : c))
  return shown.length > most ? `${shown.slice(0, most - 1).join('')}…` : shown.join('')
}

function escapeOf(character: string): string {
  return `\\u{${character.codePointAt(0)?.toString(16) ?? ''}}`
}

/** The first row is the head. Numbers, which are right-aligned, are recognised by their look. */
export function tableText(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, i) =>
    Math.max(...rows.map((row) => (row[i] ?? '').length)),
  )
  const line = (row: readonly string[]) =>
    row
      .map((cell, i) =>
        /^-?[\d,.]+$/.test(cell) ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0),
      )
      .join('  ')
      .trimEnd()
  return rows.map(line).join('\n')
}

export function snapshotText({ run, moves }: RunSnapshot): string {
  const head = ['tenant', 'phase', 'rows', 'of', 'pause ms', 'attempt', 'error']
  const rows = moves.map((move) => [
    safe(move.tenant_id, 40),
    stateOf(move),
    number(Number(move.rows_copied)),
    number(Number(move.rows_total ?? 0)),
    pauseOf(move),
    String(move.attempt),
    noteOf(move),
  ])
  return `${run.id} · ${run.source} → ${run.target}\n${tableText([head, ...rows])}`
}

function noteOf({ error_code: code, error_message: message, gives_way: reason }: Move): string {
  if (code !== null) return safe(`${code}: ${message}`, 120)
  return reason === null ? '' : safe(`gives way: ${reason}`, 120)
}

function stateOf({ open, errand, phase, paused }: Move): string {
  if (open && errand !== 'move') return `${phase} (${errand})`
  return open && paused ? `${phase} (paused)` : phase
}

function pauseOf(move: Move): string {
  const pause = move.evidence.pauseMs
  return typeof pause === 'number' ? pause.toFixed(0) : ''
}

/** `3 moved, 1 failed`. */
export function phasesText(phases: Readonly<Record<string, number>>): string {
  return Object.entries(phases)
    .map(([phase, count]) => `${count} ${phase}`)
    .join(', ')
}

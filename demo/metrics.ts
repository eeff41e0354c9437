/** Reads the metrics of the demonstration as a monitoring system does: same address, same lines. */
import type { Check } from './outcome.ts'

export interface ReadMetrics {
  readonly lines: readonly string[]
  readonly check: Check
}

/** Lines about moves and pauses, as `curl BOARD/metrics` prints them. */
export async function readMetrics(boardUrl: string): Promise<ReadMetrics> {
  const answer = await fetch(`${boardUrl}/metrics`)
  const all = (await answer.text()).split('\n')
  const lines = all.filter((line) => /^rehome_(moves\{|pause_seconds_(sum|count))/.test(line))
  const moved = lines.some((line) => /phase="moved".* [1-9]\d*$/.test(line))
  return { lines, check: { what: 'the board tells of the moves at /metrics', held: moved } }
}

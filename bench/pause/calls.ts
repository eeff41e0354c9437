/**
 * The calls of a worker while its tenant is fenced, with their times: one line of JSON each, in the
 * file that `CALLS_FILE` names. The worker writes it, and the bench reads it after each move.
 */
import { subscribe } from 'node:diagnostics_channel'
import { writeFile } from 'node:fs/promises'
import { performance } from 'node:perf_hooks'
import type { RemoteCall } from '../../src/calls.ts'

export interface TimedCall {
  readonly phase: string
  /** The pool: `source`, `target flags`, `control`. */
  readonly to: string
  readonly text: string
  /** Since the first call of the fence, in ms. */
  readonly fromMs: number
  readonly tookMs: number
}

const fencedPhases = ['fence', 'drain', 'final_catch_up', 'cutover', 'release']

/** Writes the calls of the last fence to the file, once its release has been quiet for a while. */
export function recordCalls(file: string): void {
  let begun: (Omit<TimedCall, 'tookMs'> & { tookMs: number | null })[] = []
  let first = 0
  let timer: NodeJS.Timeout | undefined
  const write = () => {
    const calls = begun.filter(({ tookMs }) => tookMs !== null)
    void writeFile(file, JSON.stringify(calls))
  }
  subscribe('rehome:call', (message) => {
    const { moment, phase = '', to, text } = message as RemoteCall
    if (!fencedPhases.includes(phase)) return
    const now = performance.now()
    if (moment === 'before') {
      // The first one of a fence: what was begun before is of another tenant.
      if (begun.length === 0 || (phase === 'fence' && begun.at(-1)?.phase === 'release')) {
        begun = []
        first = now
      }
      begun.push({ phase, to, text, fromMs: now - first, tookMs: null })
    } else {
      const call = begun.find((one) => one.tookMs === null && one.to === to && one.text === text)
      if (call) call.tookMs = now - first - call.fromMs
    }
    clearTimeout(timer)
    timer = setTimeout(write, 200)
  })
}

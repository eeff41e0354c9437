/** The story of a move in plain sentences, for people who do not know the words of the phases. */
import type { MoveEvent } from '../../control/database.ts'
import { type Html, html, shorten } from '../../html.ts'
import { isKeyOf } from '../../known.ts'
import { span, time } from '../../numbers.ts'
import { type SettledPhase, textOfPhase } from '../../phases.ts'
import type { PhaseTime } from './evidence.ts'

const ends: Readonly<Record<SettledPhase, string>> = {
  moved: 'Done: the tenant lives and works at its new home.',
  failed: 'It did not succeed: the tenant lives and works at its old home.',
  rolled_back: 'Done: the tenant lives and works at its old home.',
  cleaned: 'Done: the old copy is gone.',
  rehearsed: 'Done: nothing was left behind.',
}

const linesMax = 60

/** null: nothing has happened yet. */
export function timelineSection(
  events: readonly MoveEvent[],
  phases: readonly PhaseTime[],
): Html | null {
  const entries = events.flatMap((event) => lineOf(event))
  // Rounds of catching up repeat themselves.
  const lines = entries.filter(({ text }, i) => text !== entries[i - 1]?.text)
  if (lines.length === 0) return null
  const items = lines
    .slice(-linesMax)
    .map(({ at, text }) => html`<li>${time(at)} ${shorten(text, 300)}</li>`)
  return html`<section><h2>What happened, in short</h2>
${strip(phases.filter(({ errand }) => errand === 'move'))}
<ol class="timeline">${items}</ol>
</section>`
}

function lineOf({ at, kind, phase, message }: MoveEvent): { at: Date; text: string }[] {
  const texts: Readonly<Record<string, string | undefined>> = {
    asked: `Somebody has decided: ${message}.`,
    phase: textOfPhase(phase),
    failed: `It was stopped by an error: ${codeIn(message)}.`,
    waiting: `It was stopped by an error, and is tried again by itself: ${codeIn(message)}.`,
    settled: isKeyOf(ends, message) ? ends[message] : undefined,
  }
  const text = texts[kind]
  return text === undefined ? [] : [{ at, text }]
}

/** Messages of errors begin with their codes, and may hold values of rows. */
function codeIn(message: string): string {
  return /^[A-Z_]+(?=:)/.exec(message)?.[0] ?? shorten(message, 100)
}

/** Phases in which writes wait. */
const paused = ['fence', 'drain', 'final_catch_up', 'cutover', 'release']
const pausedOffline = [...paused, 'copy', 'verify']

/** How long each phase of the move took, and in which of them writes waited. */
function strip(phases: readonly PhaseTime[]): Html | null {
  const all = phases.reduce((sum, { ms }) => sum + ms, 0)
  if (all === 0) return null
  const isOnline = phases.some(({ phase }) => phase === 'capture')
  const waits = ({ phase }: PhaseTime) => (isOnline ? paused : pausedOffline).includes(phase)
  const waited = phases.filter(waits).reduce((sum, { ms }) => sum + ms, 0)
  let x = 0
  const parts = phases.map((one) => {
    const width = (one.ms / all) * 1000
    const part = html`<rect class="${waits(one) ? 'gone-back' : 'working'}" x="${x}" y="0"
width="${width}" height="10"><title>${one.phase}: ${span(one.ms)}</title></rect>`
    x += width
    return part
  })
  return html`<div class="bar" aria-hidden="true">
<svg viewBox="0 0 1000 10" preserveAspectRatio="none">${parts}</svg></div>
<p class="dim">The move took ${span(all)}; in ${span(waited)} of it (orange) writes waited.</p>`
}

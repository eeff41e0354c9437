// The story of a move in plain sentences.
import { expect, test } from 'vitest'
import type { MoveEvent } from '../../src/control/database.ts'
import { timelineSection } from '../../src/dashboard/tenants/timeline.ts'

let id = 0
function event(kind: string, phase: string | null, message = `${phase} begins`): MoveEvent {
  id += 1
  const at = new Date(Date.UTC(2026, 0, 1, 0, 0, id))
  return { id: String(id), move_id: '', at, attempt: 1, kind, phase, message, data: {} }
}

const textOf = (events: readonly MoveEvent[], phases: Parameters<typeof timelineSection>[1] = []) =>
  (timelineSection(events, phases)?.text ?? '').replace(/<[^>]*>/g, ' ').replace(/\s+/g, ' ')

test('a failed attempt and the next one have sentences without the words of the phases', () => {
  const told = textOf([
    event('asked', null, 'move asked for by Ada'),
    event('phase', 'fence'),
    event('failed', null, 'ROW_REJECTED: value "secret" is too long'),
    event('noted', null, 'something small'),
    event('phase', 'catch_up'),
    event('phase', 'catch_up'),
    event('settled', null, 'moved'),
  ])
  expect(told).toMatch(
    /Somebody has decided: move asked for by Ada\. .* writes wait from now on\. .* error: ROW_REJECTED\. .* brought over\. .* Done: the tenant lives and works at its new home\./,
  )
  expect(told.match(/brought over/g)).toHaveLength(1)
  expect(told).not.toMatch(/secret|something small|begins/)
  expect(timelineSection([], [])).toBeNull()
})

test('the strip says for how much of the move writes waited', () => {
  const phases = (...all: readonly [string, number][]) =>
    all.map(([phase, ms]) => ({ errand: 'move', phase, ms }))
  const events = [event('settled', null, 'moved')]
  const offline = phases(['preflight', 500], ['fence', 100], ['copy', 300], ['release', 100])
  expect(textOf(events, offline)).toContain('The move took 1 s; in 500 ms of it (orange)')
  const online = phases(['capture', 100], ['copy', 5_800], ['fence', 50], ['release', 50])
  expect(textOf(events, online)).toContain('The move took 6 s; in 100 ms of it (orange)')
})

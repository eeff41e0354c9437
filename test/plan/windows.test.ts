// Windows by cron expressions: when they are open, across days and changes of the clock.
import { expect, test } from 'vitest'
import { checkPlan } from '../../src/plan/check-plan.ts'
import { storedWindows, type Window, windowAt } from '../../src/plan/timing/windows.ts'
import { smallPlan } from '../helpers/small-plan.ts'

const night: Window = { opens: '0 23 * * 1-5', for: '3h', zone: 'Europe/Berlin' }

function stateAt(text: string, ...windows: Window[]): string {
  const state = windowAt(storedWindows(windows), new Date(text))
  const date = state.isOpen ? state.until : state.opensAt
  return `${state.isOpen ? 'until' : 'opens'} ${date?.toISOString().slice(0, 16) ?? 'never'}`
}

test.each([
  // Friday 2026-11-27, 23:00 in Berlin is 22:00 UTC.
  ['2026-11-27T21:59:59Z', 'opens 2026-11-27T22:00'],
  ['2026-11-27T22:00:00Z', 'until 2026-11-28T01:00'],
  ['2026-11-28T00:59:59Z', 'until 2026-11-28T01:00'],
  // It closes on Saturday, and Saturday has none.
  ['2026-11-28T01:00:00Z', 'opens 2026-11-30T22:00'],
  // In summer the same hour is one earlier.
  ['2026-07-03T20:59:00Z', 'opens 2026-07-03T21:00'],
  ['2026-07-03T21:00:00Z', 'until 2026-07-04T00:00'],
])('at %s a window of weekday nights in Berlin is: %s', (at, state) => {
  expect(stateAt(at, night)).toBe(state)
})

test('a window that would open in the hour that the clock skips opens after it', () => {
  const early = { opens: '30 2 * * *', for: '1h', zone: 'Europe/Berlin' }
  expect(stateAt('2026-03-28T12:00:00Z', early)).toMatch(/^opens 2026-03-29T01:/)
})

test('of several windows the one that is open for longest counts, and the next that opens', () => {
  const hourly = { opens: '0 * * * *', for: '10m' }
  const noon = { opens: '0 12 * * *', for: '2h' }
  expect(stateAt('2026-01-01T12:05:00Z', hourly, noon)).toBe('until 2026-01-01T14:00')
  expect(stateAt('2026-01-01T14:30:00Z', hourly, noon)).toBe('opens 2026-01-01T15:00')
  // Open all the time, as it opens again before it closes.
  const always = { opens: '*/30 * * * *', for: '31m' }
  expect(stateAt('2026-01-01T12:45:00Z', always)).toBe('until 2026-01-01T13:01')
})

test.each([
  [{ opens: '0 2 * *', for: '1h' }, 'five fields'],
  [{ opens: '61 2 * * *', for: '1h' }, 'no cron expression'],
  [{ opens: '0 0 31 2 *', for: '1h' }, 'never opens'],
  [{ opens: '0 2 * * *', for: '30s' }, 'from 1m to 7d'],
  [{ opens: '0 2 * * *', for: 'night' }, 'from 1m to 7d'],
  [{ opens: '0 2 * * *', for: '1h', zone: 'Europe/Nowhere' }, 'no such time zone'],
  [[], 'windows'],
])('a plan with the window %j is refused', (windows, why) => {
  expect(() => checkPlan(smallPlan({ windows: windows as Window }))).toThrow(why)
})

test('windows of a plan may be one, several, or a function', () => {
  for (const windows of [night, [night, night], () => night]) {
    expect(checkPlan(smallPlan({ windows })).windows).toBeDefined()
  }
})

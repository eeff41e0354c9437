// A look at a held move that ends at the same time as something else that is stored with the move.
import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { keepHeld, type Look } from '../../src/control/fleet/holds.ts'
import { postponeMove } from '../../src/control/moves.ts'
import { eventually } from '../helpers/eventually.ts'
import { controlWith } from '../helpers/moves/control-with.ts'

const look: Look = {
  ...{ phase: 'hold', everyMs: 60_000, leadMs: 0, opensAt: null },
  ...{ evidence: {}, trouble: null, message: null, isRepeated: false },
}

test.each([
  ['a person who completes it', 'held = false, complete_after = null', { date: null, ms: 0 }],
  [
    'one who completes it at any time',
    'held = false, complete_after = null, windows = null',
    { date: null, ms: 0 },
  ],
  ['a new moment', `complete_after = '2037-05-05Z'`, { date: '2037-05-05', ms: 60_000 }],
])('a look that ends at the same time does not undo %s', async (_, change, { date, ms }) => {
  await using world = await controlWith(1)
  const token = randomUUID()
  const windows = change.includes('windows') ? `'[]'` : 'null'
  await world.set(`token = '${token}', phase = 'hold', complete_after = '2037-01-01Z',
    windows = ${windows}`)
  const person = await world.control.pool.connect()
  await person.query(`begin; update rehome_control.moves set ${change}`)
  const held = { id: world.ids[0]?.id ?? '', token, attempt: 1 }
  const opensAt = change.includes('windows') ? new Date('2037-01-01Z') : null
  const kept = keepHeld(world.control, held, { ...look, opensAt })
  await eventually(async () => {
    const waiting = 'select from pg_stat_activity where cardinality(pg_blocking_pids(pid)) > 0'
    expect((await world.control.pool.query(waiting)).rowCount).toBeGreaterThan(0)
  })
  await person.query('commit')
  person.release()
  expect(await kept).toBeCloseTo(ms, -3)
  const query = 'select complete_after::date::text as date from rehome_control.moves'
  expect((await world.control.pool.query(query)).rows).toEqual([{ date }])
})

test.each([
  ['held', 'held = true', 60],
  ['held until tomorrow', `complete_after = now() + interval '1 d'`, 60],
  ['held for 30 s more', `complete_after = now() + interval '30 s'`, 30],
  ['completed meanwhile', `complete_after = null`, 0],
])('a look that fails is followed by another one: %s', async (_, state, seconds) => {
  await using world = await controlWith(1)
  const token = randomUUID()
  await world.set(`token = '${token}', phase = 'hold', ${state}`)
  const failure = { code: 'UNREACHABLE', message: '', failedPhase: 'hold', data: {} }
  const held = { id: world.ids[0]?.id ?? '', token, attempt: 1 }
  const how = { isAttemptKept: true, isHeld: true, isRepeated: false }
  await postponeMove(world.control, held, { phase: 'hold', waitMs: 60_000, failure, ...how })
  const query = `select extract(epoch from not_before - clock_timestamp())::float8 as seconds
    from rehome_control.moves`
  const { rows } = await world.control.pool.query(query)
  expect(Math.abs(rows[0].seconds - seconds)).toBeLessThan(5)
})

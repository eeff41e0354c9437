// A hundred people use an example application while twenty tenants really move.
import { expect, test } from 'vitest'
import { createHomesWorld } from '../helpers/client/homes-world.ts'
import {
  type Create,
  frameworks,
  notesAt,
  people,
  start,
  textsOf,
} from '../helpers/client/notebooks.ts'
import { eventually } from '../helpers/eventually.ts'
import { ended, runAll } from '../helpers/runs.ts'

test('100 people who save all the time notice nothing of 20 moves', async () => {
  await using at = await createHomesWorld()
  const { world } = at
  const tenants = Array.from({ length: 20 }, (_, i) => `team-${i}`)
  for (const tenant of tenants) await world.addTenant(tenant, 50)
  // Both ends go on making ids, for a while.
  await world.target.pool.query('alter table notes alter column id restart with 1000000')
  const url = await start(at, frameworks[0]?.[1] as Create)
  await world.work()
  const users = people(url, Array.from({ length: 5 }, () => tenants).flat(), 1_500)
  await eventually(() => expect(users.saved.length).toBeGreaterThan(200))
  const runId = await runAll(world, tenants)
  const moves = [...(await ended(world, runId)).values()]
  expect(moves.map(({ phase, error_code: code }) => code ?? phase)).toEqual(
    tenants.map(() => 'moved'),
  )
  const before = users.saved.length
  await eventually(() => expect(users.saved.length).toBeGreaterThan(before + 200))
  const saved = await users.stop()
  expect(saved.filter(({ status }) => status !== 201)).toEqual([])
  expect(await notesAt(at, 'target')).toEqual(textsOf(saved))
  const longestMs = Math.round(Math.max(...saved.map(({ ms }) => ms)))
  console.log(`${saved.length} notes saved, 0 refused; the longest wait was ${longestMs} ms`)
}, 600_000)

// Notes of `check` on a plan's pace.
import { expect, test } from 'vitest'
import { paceNotes } from '../../src/checks/pace-notes.ts'
import { closeEnds, openEnds } from '../../src/coordinator/installation.ts'
import { sharedEnds } from '../../src/ends/end.ts'
import { checkPlan } from '../../src/plan/check-plan.ts'
import type { PlanInput } from '../../src/plan/plan.ts'
import { createDatabase } from '../helpers/database.ts'
import { smallPlan } from '../helpers/small-plan.ts'

async function notesFor(url: string, differs: Partial<PlanInput>): Promise<string[]> {
  const plan = checkPlan(smallPlan(differs))
  const ends = openEnds(plan, { SOURCE_URL: url, TARGET_URL: url })
  try {
    return (await paceNotes(plan, sharedEnds(ends))).map(({ message }) => message)
  } finally {
    await closeEnds(ends)
  }
}

test('an offline plan has a note that its copies do not give way', async () => {
  await using database = await createDatabase()
  const [note = '', ...others] = await notesFor(database.url, { pace: {} })
  expect(note).toContain('an offline move copies and compares under the fence')
  expect(others).toEqual([])
  expect(await notesFor(database.url, { strategy: 'online', pace: {} })).toEqual([])
  expect(await notesFor(database.url, {})).toEqual([])
})

test('a role that is not shown the sessions of others has a note where they count', async () => {
  await using database = await createDatabase()
  const role = `unshown_${database.url.split('/').at(-1)?.replace(/\W/g, '_')}`
  await database.pool.query(`create role ${role} login password 'pace'`)
  const url = new URL(database.url)
  Object.assign(url, { username: role, password: 'pace' })
  const plan = { strategy: 'online', pace: { active: 8 } } as const
  const note = 'our role at the source is shown its own sessions alone'
  expect((await notesFor(url.href, plan)).join('\n')).toContain(`\`pace.active\`: ${note}`)
  const ends = openEnds(checkPlan(smallPlan(plan)), { SOURCE_URL: url.href, TARGET_URL: url.href })
  const load = await sharedEnds(ends).source.load?.look({})
  await closeEnds(ends)
  expect(load).toEqual({
    ms: expect.any(Number),
    active: 0,
    lagMs: null,
    isConnected: null,
    asks: null,
  })
  await database.pool.query(`grant pg_read_all_stats to ${role}`)
  expect(await notesFor(url.href, plan)).toEqual([])
  await database.pool.query(`drop role ${role}`)
})

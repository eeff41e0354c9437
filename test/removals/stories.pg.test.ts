// Every errand that removes rows removes the tenant's and changes nothing else at either end, by a
// role that may set session_replication_role: with keys of other tables, triggers and rules of all
// kinds in place. By one that may not: refused-stories.pg.test.ts.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Attempts, openAttempts } from '../helpers/attempts/attempts.ts'
import {
  arrive,
  constructs,
  expectRefusal,
  expectWell,
} from '../helpers/moves/removal-constructs.ts'
import {
  bringingBack,
  databasesOf,
  expectExactly,
  type RemovalStory,
  refusingPets,
  removalPlan,
  removalStories,
  removalTables,
} from '../helpers/moves/removal-stories.ts'
import { partOf } from '../helpers/rotation.ts'
import { createWorld, type World } from '../helpers/world.ts'

const stories = Object.entries<RemovalStory>(removalStories)
const tablesLeft = ['out_0', 'out_1', 'out_2', 'out_3', 'out_part']
const exclude = [
  ...['outbox', 'counts'],
  ...tablesLeft.map((name) => ({ table: name, leaveReferences: true })),
]

let world: World
let attempts: Attempts
beforeAll(async () => {
  const all = Object.values(constructs).map(([make]) => make)
  world = await createWorld({
    both: `${removalTables}; ${all.join(';')}`,
    target: refusingPets,
    plan: { ...removalPlan, exclude, strategy: 'online' },
  })
  attempts = openAttempts(world)
})
afterAll(async () => {
  await attempts[Symbol.asyncDispose]()
  await world[Symbol.asyncDispose]()
})

test('check finds nothing in the way', async () => {
  expect(await world.rehome.check(world.plan())).toEqual([])
})

const all = [...stories, ['a rollback', bringingBack] as const]
test.each(partOf(all, 2))('%s changes nothing but the rows of its tenant', async (_, story) => {
  const { tenant, from } = await arrive(world)
  const stage = { world, attempts, tenant }
  const move = await story.before(stage)
  const before = await databasesOf(world)
  await expectWell(stage, story, move)
  await expectExactly(stage, story, { before, from })
})

const held = stories.filter(([name]) => name !== "a rehearsal's end")
test.each(partOf(held, 2))(
  '%s removes nothing while rows of others refer to it',
  async (_, story) => {
    const { tenant, from } = await arrive(world)
    const stage = { world, attempts, tenant }
    const move = await story.before(stage)
    const { pool } = world[story.end]
    await pool.query(`insert into out_1 values (7, ${from})`)
    const before = await databasesOf(world)
    await expectRefusal(stage, story, { move, code: /^FOREIGN_KEY_BROKEN$/ })
    expect(await databasesOf(world)).toEqual(before)
    await pool.query('delete from out_1 where id = 7')
    await expectWell(stage, story, move)
    const without = {
      ...before,
      [story.end]: before[story.end].filter((row) => !/out_1 \(7/.test(row)),
    }
    await expectExactly(stage, story, { before: without, from })
  },
)

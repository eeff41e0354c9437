// Every errand that removes rows is refused before it has removed any where something would act on
// the removal, by a role that may not set session_replication_role; and removes them exactly once
// that is gone.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createRolesWorld, type RolesWorld } from '../access/roles-world.ts'
import { type Attempts, openAttempts } from '../helpers/attempts/attempts.ts'
import {
  arrive,
  expectRefusal,
  expectWell,
  someConstructs,
} from '../helpers/moves/removal-constructs.ts'
import {
  databasesOf,
  expectExactly,
  type RemovalStory,
  refusingPets,
  removalPlan,
  removalStories,
  removalTables,
} from '../helpers/moves/removal-stories.ts'

const stories = Object.entries<RemovalStory>(removalStories)

let world: RolesWorld
let attempts: Attempts
beforeAll(async () => {
  world = await createRolesWorld({
    both: removalTables,
    target: refusingPets,
    plan: { ...removalPlan, exclude: ['outbox', 'counts'], rollback: { windowMs: 0 } },
  })
  attempts = openAttempts(world)
})
afterAll(async () => {
  await attempts[Symbol.asyncDispose]()
  await world[Symbol.asyncDispose]()
})

const some = (place: number) => someConstructs.filter((_, i) => i % 2 === place % 2)
const halves = stories.map(([name, story], place) => [name, story, some(place)] as const)
test.each(halves)(
  '%s is refused whole where something would act on it',
  async (_, story, acting) => {
    const { tenant, from } = await arrive(world)
    const stage = { world, attempts, tenant }
    let move = await story.before(stage)
    const before = await databasesOf(world)
    for (const [what, [make, drop]] of acting) {
      await world[story.end].pool.query(make)
      const referring = /out_\w+/.exec(drop)?.[0]
      if (referring && story.phase !== 'rehearsed') {
        await world[story.end].pool.query(`insert into ${referring} values (1, ${from})`)
      }
      const found = await databasesOf(world)
      await expectRefusal(stage, story, { move, code: /^(PREFLIGHT_FAILED|FOREIGN_KEY_BROKEN)$/ })
      expect([what, await databasesOf(world)]).toEqual([what, found])
      await world[story.end].pool.query(drop)
      if (story.phase === 'rehearsed') move = await story.before(stage)
    }
    await expectWell(stage, story, move)
    await expectExactly(stage, story, { before, from })
  },
)

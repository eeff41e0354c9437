// Every errand that removes rows removes the tenant's and changes nothing else at either end, or is
// refused before it has removed any: with keys of other tables, triggers and rules in place, by a
// role that may set session_replication_role and by one that may not.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createRolesWorld, type RolesWorld } from '../access/roles-world.ts'
import { type Attempts, openAttempts } from '../helpers/attempts/attempts.ts'
import type { Asked } from '../helpers/attempts/stories.ts'
import {
  bringingBack,
  databasesOf,
  expectExactly,
  moveOf,
  type RemovalStory,
  refusingPets,
  removalPlan,
  removalStories,
  removalTables,
  rowsOf,
  type Stage,
} from '../helpers/removal-stories.ts'
import { createWorld, type World } from '../helpers/world.ts'

const stories = Object.entries<RemovalStory>(removalStories)

const outside = (name: string, key: string) => `
  create table ${name} (id int, ref int default 900 ${key}); grant select on ${name} to public;
  insert into ${name} values (1, 900), (2, null);`

/** Tables that do not move, with keys to those that do: made, and dropped. */
const keys: Readonly<Record<string, readonly [make: string, drop: string]>> = Object.fromEntries(
  [
    ['cascade', 'references people on delete cascade'],
    ['set null', 'references people on delete set null'],
    ['set default', 'references people on delete set default'],
    ['cascade, to one partition', 'references ev_25 (id) on delete cascade'],
  ].map(([what = '', key = ''], i) => [
    `a key ${what}`,
    [outside(`out_${i}`, key), `drop table out_${i}`],
  ]),
)
const fromPartition = [
  `create table out_part (id int, ref int default 900) partition by list (id);
    create table out_part_1 partition of out_part for values in (1);
    create table out_part_2 partition of out_part for values in (2);
    alter table out_part_1 add foreign key (ref) references people on delete set default;
    grant select on out_part, out_part_1, out_part_2 to public;
    insert into out_part values (1, 900), (2, 1)`,
  'drop table out_part',
] as const

const reactions: Readonly<Record<string, readonly [make: string, drop: string]>> = {
  'a BEFORE trigger that keeps rows': [
    'create trigger reacts before delete on people for each row execute function keep()',
    'drop trigger reacts on people',
  ],
  'a rule that does nothing instead': [
    'create rule reacts as on delete to pets do instead nothing',
    'drop rule reacts on pets',
  ],
  'an AFTER trigger that counts and writes an outbox': [
    'create trigger reacts_after after delete on people for each row execute function tell()',
    'drop trigger reacts_after on people',
  ],
  'a trigger of one partition': [
    'create trigger reacts after delete on ev_26 for each row execute function tell()',
    'drop trigger reacts on ev_26',
  ],
}
const constructs = { ...keys, 'a key of one partition': fromPartition, ...reactions }

const someConstructs = Object.entries(constructs).filter(([what]) =>
  /key cascade$|one partition$|BEFORE|rule/.test(what),
)

const tablesLeft = ['out_0', 'out_1', 'out_2', 'out_3', 'out_part']
const exclude = [
  ...['outbox', 'counts'],
  ...tablesLeft.map((name) => ({ table: name, leaveReferences: true })),
]

let tenants = 0
/** A new tenant of the source. */
async function arrive(world: World): Promise<{ tenant: string; from: number }> {
  tenants += 1
  const from = tenants * 1000
  const tenant = `t${tenants}`
  await world.source.pool.query(rowsOf(tenant, from))
  return { tenant, from }
}

describe('with session_replication_role', () => {
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
  test.each(all)('%s changes nothing but the rows of its tenant', async (_, story) => {
    const { tenant, from } = await arrive(world)
    const stage = { world, attempts, tenant }
    const move = await story.before(stage)
    const before = await databasesOf(world)
    await expectWell(stage, story, move)
    await expectExactly(stage, story, { before, from })
  })

  const held = stories.filter(([name]) => name !== "a rehearsal's end")
  test.each(held)('%s removes nothing while rows of others refer to it', async (_, story) => {
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
  })
})

describe('without session_replication_role', () => {
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

  test.each(stories)('%s is refused whole where something would act on it', async (_, story) => {
    const { tenant, from } = await arrive(world)
    const stage = { world, attempts, tenant }
    let move = await story.before(stage)
    const before = await databasesOf(world)
    for (const [what, [make, drop]] of someConstructs) {
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
  })
})

async function expectWell(stage: Stage, story: RemovalStory, move: Asked): Promise<void> {
  await story.ask(stage, move)
  await stage.attempts.finish(move.id)
  expect(await moveOf(stage, move)).toMatchObject({ phase: story.phase, error_message: null })
}

async function expectRefusal(
  stage: Stage,
  story: RemovalStory,
  { move, code }: { readonly move: Asked; readonly code: RegExp },
): Promise<void> {
  await story.ask(stage, move)
  await stage.attempts.finish(move.id)
  expect(await moveOf(stage, move)).toMatchObject({
    open: false,
    error_code: expect.stringMatching(code),
  })
}

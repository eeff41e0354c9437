// What reacts to removals at tables of a tenant, and attempts at errands that meet it.
import { expect } from 'vitest'
import type { Asked } from '../attempts/stories.ts'
import type { World } from '../world.ts'
import { moveOf, type RemovalStory, rowsOf, type Stage } from './removal-stories.ts'

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
/** Constructs of all kinds: made, and dropped. */
export const constructs = { ...keys, 'a key of one partition': fromPartition, ...reactions }

/** One construct of each kind; each story meets half of them. */
export const someConstructs = Object.entries(constructs).filter(([what]) =>
  /key cascade$|one partition$|BEFORE|rule/.test(what),
)

let tenants = 0
/** A new tenant of the source. */
export async function arrive(world: World): Promise<{ tenant: string; from: number }> {
  tenants += 1
  const from = tenants * 1000
  const tenant = `t${tenants}`
  await world.source.pool.query(rowsOf(tenant, from))
  return { tenant, from }
}

export async function expectWell(stage: Stage, story: RemovalStory, move: Asked): Promise<void> {
  await story.ask(stage, move)
  await stage.attempts.finish(move.id)
  expect(await moveOf(stage, move)).toMatchObject({ phase: story.phase, error_message: null })
}

export async function expectRefusal(
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

// References are kept, or broken, where PostgreSQL itself says so: by periods, by keys of another
// collation, by an operator of their own.
import { expect, test } from 'vitest'
import { survey } from '../../src/checks/survey.ts'
import { closeEnds, openEnds } from '../../src/coordinator/installation.ts'
import { sharedEnds } from '../../src/ends/end.ts'
import { guardTrouble } from '../../src/ends/postgres/fence/guard-probe.ts'
import { checkPlan } from '../../src/plan/check-plan.ts'
import { table } from '../../src/plan/plan.ts'
import { createDatabase } from '../helpers/database.ts'
import { smallPlan } from '../helpers/small-plan.ts'

const schema = `
  create extension btree_gist;
  create table rooms (id int, valid daterange, tenant_id text,
    primary key (id, valid without overlaps));
  create table bookings (id int primary key, tenant_id text, room int, during daterange,
    constraint booked foreign key (room, period during) references rooms (id, period valid));
  create table people (name text collate "C" primary key, tenant_id text);
  create table letters (id int primary key, name text collate "en-x-icu",
    constraint addressed foreign key (name) references people);
  insert into rooms values (1, '[2024-01-01,2024-06-01)', 'acme'), (1, '[2024-06-01,2025-01-01)', 'acme');
  insert into bookings values (1, 'acme', 1, '[2024-05-01,2024-07-01)'), (2, 'acme', null, '[2020-01-01,)');
  insert into people values ('ann', 'acme');
  insert into letters values (1, 'ann');`

const breaking = `
  set session_replication_role = replica;
  insert into bookings values (3, 'acme', 1, '[2024-05-01,2025-07-01)');
  insert into letters values (2, 'nobody');`

test('references by periods and across collations are broken where no parent keeps them', async () => {
  await using database = await createDatabase()
  await database.pool.query(schema)
  const tables = [
    ...[table('rooms'), table('bookings'), table('people')],
    table('letters', { through: 'name' }),
  ]
  const plan = checkPlan(smallPlan({ tables, targetScope: 'other' }))
  const ends = sharedEnds(openEnds(plan, { SOURCE_URL: database.url, TARGET_URL: database.url }))
  try {
    const { sources, guarded } = await survey(plan, ends)
    expect(await Promise.all(guarded.map((one) => guardTrouble(one.end.pool, one)))).toEqual(
      guarded.map(() => null),
    )
    const broken = async () => {
      const of = sources.map((at) => ({ scope: plan.scope, tenant: 'acme', ...at }))
      const found = await ends.target.rows.brokenReferences(of, sources)
      return found.flat().map(({ foreignKey, rows }) => [foreignKey, rows])
    }
    expect(await broken()).toEqual([])
    await database.pool.query(`begin; ${breaking} commit`)
    expect((await broken()).sort()).toEqual([['booked', 1]])
  } finally {
    await closeEnds(ends)
  }
})

test('a path that leads through a period is refused', async () => {
  await using database = await createDatabase()
  await database.pool.query(schema)
  const tables = [table('rooms'), table('bookings', { through: ['room', 'during'] })]
  const plan = checkPlan(
    smallPlan({ tables, targetScope: 'other', exclude: ['people', 'letters'] }),
  )
  const ends = sharedEnds(openEnds(plan, { SOURCE_URL: database.url, TARGET_URL: database.url }))
  try {
    const { findings } = await survey(plan, ends)
    expect(findings).toContainEqual({
      where: 'table "bookings"',
      message: '"room", "during" is a temporal key, so a row may have several parents',
    })
  } finally {
    await closeEnds(ends)
  }
})

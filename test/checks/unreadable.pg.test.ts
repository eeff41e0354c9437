// A role that may not read all rows of a planned table gets a finding of `check`, and no error.
import { expect, test } from 'vitest'
import { lookFindings } from '../../src/checks/looks.ts'
import { survey } from '../../src/checks/survey.ts'
import { closeEnds, openEnds } from '../../src/coordinator/installation.ts'
import { sharedEnds } from '../../src/ends/end.ts'
import { checkPlan } from '../../src/plan/check-plan.ts'
import { table } from '../../src/plan/plan.ts'
import { createDatabase } from '../helpers/database.ts'
import { smallPlan } from '../helpers/small-plan.ts'

const schema = `
  create table hidden (id int primary key, tenant_id text);
  create table secret (id int primary key, tenant_id text);
  alter table hidden enable row level security;
  insert into hidden values (1, null); insert into secret values (1, null)`

test.each([
  ['hidden', /row.level security|row security|policy/i],
  ['secret', /SELECT/],
])('rows of table "%s" that nothing may be read of are a finding', async (name, message) => {
  await using database = await createDatabase()
  const role = `reader_${database.name}`
  await database.pool.query(`${schema}; create role ${role} login password 'reader';
    grant select, insert, delete on hidden to ${role}`)
  const url = new URL(database.url)
  url.username = role
  url.password = 'reader'
  const plan = checkPlan(
    smallPlan({
      tables: [table(name)],
      exclude: ['hidden', 'secret'].filter((other) => other !== name),
      targetScope: 'other',
    }),
  )
  const ends = sharedEnds(openEnds(plan, { SOURCE_URL: url.href, TARGET_URL: url.href }))
  try {
    const found = await survey(plan, ends)
    expect(await lookFindings(found, ends)).toEqual([])
    const messages = found.findings.map((one) => `${one.where}: ${one.message}`)
    expect(messages).toContainEqual(expect.stringMatching(message))
  } finally {
    await closeEnds(ends)
    await database.pool.query(`drop owned by ${role}; drop role ${role}`)
  }
})

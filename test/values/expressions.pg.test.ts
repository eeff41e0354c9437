// The plan's expressions run under settings of ours: those that give something else under the
// application's are refused before anything is touched.
import { expect, test } from 'vitest'
import { lookFindings } from '../../src/checks/looks.ts'
import { notesOf } from '../../src/checks/notes.ts'
import { survey } from '../../src/checks/survey.ts'
import { closeEnds, openEnds } from '../../src/coordinator/installation.ts'
import { sharedEnds } from '../../src/ends/end.ts'
import { checkPlan } from '../../src/plan/check-plan.ts'
import { table } from '../../src/plan/plan.ts'
import { sql } from '../../src/plan/sql-text.ts'
import { createDatabase } from '../helpers/database.ts'
import { smallPlan } from '../helpers/small-plan.ts'

const zone = (column: string) =>
  `\`columns.compute\` of "${column}" depends on the session's TimeZone, which is UTC here whatever the application has: name the time zone in it, such as \`r.at at time zone 'Europe/Berlin'\``

test('an expression that depends on the settings of its session is refused by name', async () => {
  await using source = await createDatabase()
  await using target = await createDatabase()
  await source.pool.query(`
    create table e (id int primary key, tenant_id text, at timestamp, seen timestamptz, day text);
    insert into e values (1, 'acme', '2024-07-01 12:00', '2024-07-01 12:00+02', '01/02/03');`)
  await target.pool.query(`
    create table e (id int primary key, tenant_id text, at timestamptz, named timestamptz, hour text,
      seen timestamptz, day date, known date, dice float8);`)
  const compute = {
    at: sql`r.at::timestamptz`,
    named: sql`r.at at time zone 'Europe/Berlin'`,
    hour: sql`to_char(r.seen, 'HH24')`,
    day: sql`r.day::date`,
    known: sql`to_date(r.day, 'MM/DD/YY')`,
    dice: sql`random()`,
  }
  const plan = checkPlan(smallPlan({ tables: [table('e', { columns: { compute } })] }))
  const ends = sharedEnds(openEnds(plan, { SOURCE_URL: source.url, TARGET_URL: target.url }))
  try {
    const found = await survey(plan, ends)
    expect(found.routes).toHaveLength(1)
    const messages = (await lookFindings(found, ends)).map(({ message }) => message)
    expect(messages).toEqual([zone('at'), zone('hour'), expect.stringContaining('DateStyle')])
    // A value that no row shows yet may come with any tenant.
    await source.pool.query('delete from e')
    expect(await lookFindings(found, ends)).toEqual([])
    const notes = (await notesOf(plan, found, ends)).map(({ message }) => message)
    const named = notes.flatMap((text) => /of "(\w+)" is not IMMUTABLE/.exec(text)?.[1] ?? [])
    expect(named).toEqual(['at', 'hour', 'day', 'known', 'dice'])
  } finally {
    await closeEnds(ends)
  }
})

// An end that gives the same wrong rows each time that it is asked: the copy and the comparison
// read the same, and only what the end says of all its rows in one answer tells that they are
// wrong.
import { expect, test } from 'vitest'
import { md5Probe } from '../../../src/ends/read-digest.ts'
import { type PlanInput, table } from '../../../src/plan/plan.ts'
import { answerOf, type Trouble, textOf, troubleWhen } from '../../helpers/http/http-trouble.ts'
import { createHttpWorld } from '../../helpers/http-world.ts'
import { moveOf, runAll } from '../../helpers/runs.ts'
import { onlinePlan } from '../../helpers/way-back.ts'

const seed = `insert into tenants (id, name) values ('acme', 'Acme');
  insert into marks select g, 'acme', 'mark ' || g, g % 2 = 0, 'x' from generate_series(1, 30) g`
const marks = `drop table note_lines, notes, visits;
  create table marks (id int primary key, tenant_id text not null, mark text, even bool, pad char(3))`
const transform = <T>(row: T): T => row
const made: PlanInput['tables'] = [
  table('tenants', { tenant: 'id' }),
  table('marks', { transform }),
]
const tolerant = [table('tenants', { tenant: 'id' }), table('marks', { transform, quarantine: 5 })]
const keyless = [
  table('tenants', { tenant: 'id' }),
  table<{ id: number }>('marks', { transform: ({ id: _, ...row }) => row }),
]

/** Each page that has the row `mark 13` is answered in another way. */
const wrong =
  (lines: (line: string) => readonly string[]): Trouble =>
  async (_, work) => {
    const right = await work()
    const text = await textOf(right)
    const answered = text.split('\n').flatMap((line) => {
      return line.includes('mark 13"') ? lines(line) : [line]
    })
    return answerOf(200, answered.join('\n'))
  }

const dropsPage: Trouble = async (_, work) => {
  const text = await textOf(await work())
  if (!text.includes('mark 13"')) return answerOf(200, text)
  return answerOf(200, text.split('\n').slice(-2).join('\n'))
}

test.each<[string, Trouble, Partial<PlanInput>, RegExp]>([
  ['a page is left out', dropsPage, { tables: made }, /"marks": 12 rows were not read as /],
  ['a row is left out', wrong(() => []), { tables: made }, /1 rows .*\(\(?13\)? missing\)/],
  [
    'a row is left out of a table whose rows may stay behind',
    wrong(() => []),
    { tables: tolerant },
    /1 rows were not read as the source has them/,
  ],
  ['a row comes twice', wrong((line) => [line, line]), { tables: keyless }, /\(13\) different/],
  [
    'a value is another one',
    wrong((line) => [line.replace('mark 13', 'mark 14')]),
    { tables: made },
    /\(13\) different/,
  ],
  [
    'a row is left out while the tenant writes',
    wrong(() => []),
    { ...onlinePlan, tables: made },
    /\(13\) missing/,
  ],
])('a move fails where each time %s', async (_, trouble, plan, message) => {
  const between = troubleWhen((asked) => (asked === 'rows/read' ? trouble : null))
  await using world = await createHttpWorld({
    ...{ over: ['source'], both: marks, serve: () => ({ between }) },
    target: plan.tables === keyless ? 'alter table marks drop column id' : '',
    plan: { ...plan, attempts: 1 },
  })
  await world.source.pool.query(seed)
  await using _worker = await world.work()
  const move = await moveOf(world, await runAll(world), 'acme')
  expect([move.phase, move.error_code]).toEqual(['failed', 'ROWS_DIFFER'])
  expect(move.error_message).toMatch(message)
  const write = `update marks set mark = mark || '.' where id = 1`
  await expect(world.source.pool.query(write)).resolves.toMatchObject({ rowCount: 1 })
})

test('the digest of what is read is that of the protocol', () => {
  expect(md5Probe).toBe('-512754064142662312')
})

// `rehome schema expand` is killed by SIGKILL while the server builds an index, and between two
// batches of a backfill. The next command ends what it began: nothing is missing or runs twice.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { rehome } from '../helpers/command.ts'
import { eventually } from '../helpers/eventually.ts'
import { writePlanFile } from '../helpers/plans/plan-file.ts'
import { programFile } from '../helpers/processes/programs.ts'
import { createWorld, type World } from '../helpers/world.ts'

const files = {
  'one.sql': 'create index concurrently by_n on items (n);',
  'two.sql':
    '-- rehome:batches key=id size=1\nupdate items set n = n + 1;\n' +
    'alter table items add column done boolean;',
}

function start(path: string, { environment }: World): ChildProcess {
  const args = [programFile('dev/rehome.ts'), 'schema', 'expand', path]
  const env = { ...process.env, ...environment }
  const child = spawn(process.execPath, args, { env, stdio: 'ignore' })
  onTestFinished(() => void child.kill('SIGKILL'))
  return child
}

async function kill(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit')
  child.kill('SIGKILL')
  expect(await exited).toEqual([null, 'SIGKILL'])
}

/** Holds what the statement locks until `release`. */
async function holding({ source }: World, sql: string) {
  const client = await source.pool.connect()
  await client.query(`begin; ${sql}`)
  return async () => {
    await client.query('rollback')
    client.release()
  }
}

test('a killed expansion is ended by the next command', { timeout: 60_000 }, async () => {
  await using world = await createWorld()
  const { pool } = world.source
  const rows = async (query: string) => (await pool.query(query)).rows
  await pool.query(`create table items (id int primary key, n int not null default 0);
    insert into items select g from generate_series(1, 60) g`)
  const schema = `schema: { expand: { source: ['one.sql', 'two.sql'] } },`
  await using plan = await writePlanFile(`['acme']`, schema)
  for (const [name, text] of Object.entries(files))
    await writeFile(join(dirname(plan.path), name), text)

  const indexes = `select indisvalid as valid from pg_index where indexrelid = to_regclass('by_n')`
  const writer = await holding(world, 'insert into items values (1000, 0)')
  const building = start(plan.path, world)
  await eventually(async () => expect(await rows(indexes)).toEqual([{ valid: false }]))
  await kill(building)
  await writer()

  const locked = await holding(world, 'select from items where id = 40 for update')
  const filling = start(plan.path, world)
  const filled = 'select count(*)::int as count from items where n = 1'
  await eventually(async () => expect(await rows(filled)).toEqual([{ count: 39 }]))
  expect(await rows(indexes)).toEqual([{ valid: true }])
  await kill(filling)
  await locked()

  const last = await rehome(['schema', 'expand', plan.path], world.environment)
  expect([last.code, last.error]).toEqual([0, ''])
  expect(last.out).toMatch(/^done at the source, two\.sql:2 .*\n/)
  expect(await rows('select min(n), max(n), count(*)::int from items')).toEqual([
    { min: 1, max: 1, count: 60 },
  ])
  const log = JSON.parse(
    (await rehome(['schema', 'log', '--json', plan.path], world.environment)).out,
  )
  const recorded = log.statements.map(
    ({ file, number, outcome }: { file: string; number: number; outcome: string }) =>
      `${file} ${number} ${outcome}`,
  )
  expect(recorded).toEqual(['one.sql 1 done', 'two.sql 1 done', 'two.sql 2 done'])
  const again = await rehome(['schema', 'expand', plan.path], world.environment)
  expect(again.out).toBe('nothing is left to run\n')
})

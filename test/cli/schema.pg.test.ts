// `rehome schema`: its output, its exit codes, and files beside the plan.

import { writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { rehome } from '../helpers/command.ts'
import { writePlanFile } from '../helpers/plans/plan-file.ts'
import { createWorld } from '../helpers/world.ts'

test('an unsafe expansion is refused, the safe one runs once, and the log tells who did', async () => {
  await using world = await createWorld()
  const schema = `schema: { expand: { source: ['one.sql', 'two.sql'] } },`
  await using plan = await writePlanFile(`['acme']`, schema)
  const write = (name: string, text: string) => writeFile(join(dirname(plan.path), name), text)
  await write('one.sql', 'alter table notes add column remark text;')
  await write('two.sql', 'create index by_remark on notes (remark);')
  const run = (...args: string[]) => rehome([...args, plan.path], world.environment)
  const unsafe = await run('schema', 'expand')
  expect([unsafe.code, unsafe.out]).toEqual([3, ''])
  expect(unsafe.error).toMatch(/"two\.sql", line 1: index-not-concurrent: .*schema-changes/)
  await write('two.sql', 'create index concurrently by_remark on notes (remark);')
  expect((await run('schema', 'expand', '--dry-run')).out.split('\n')).toEqual([
    'pending at the source, one.sql:1 alter table notes add column remark text',
    'pending at the source, two.sql:1 create index concurrently by_remark on notes (remark)',
    '',
  ])
  const safe = await run('schema', 'expand')
  expect([safe.code, safe.error]).toEqual([0, ''])
  expect(safe.out).toMatch(
    /done at the source, one.sql:1 alter .*: locks held \d+ ms, ACCESS EXCLUSIVE on public.notes\n/,
  )
  expect(await run('schema', 'expand')).toMatchObject({ code: 0, out: 'nothing is left to run\n' })
  await write('one.sql', 'alter table notes add column remark varchar;')
  expect(await run('schema', 'expand', '--accept-changes')).toMatchObject({
    code: 3,
    error: expect.stringContaining('SCHEMA_FILE_CHANGED: "one.sql" has changed'),
  })
  expect((await run('schema', 'log')).out).toMatch(/\n\S+ +\w+ +expand +source +one\.sql:1 +done/)
  const record = JSON.parse((await run('schema', 'log', '--json')).out)
  expect([record.statements.length, record.nextSteps]).toEqual([2, []])
  const contract = await run('schema', 'contract')
  expect([contract.code, contract.error]).toEqual([
    2,
    'rehome: USAGE: plan "small" has no files in `schema.contract`\n',
  ])
})

// What is no tenant id, given to the command line as a user would.
import { expect, test } from 'vitest'
import { rehome } from '../helpers/command.ts'
import { writePlanFile } from '../helpers/plans/plan-file.ts'
import { createWorld } from '../helpers/world.ts'

const timeout = 120_000

test('what is no id is refused in one line', { timeout }, async () => {
  await using file = await writePlanFile(`sql\`select id from tenants\``)
  await using world = await createWorld()
  await world.addTenant('acme', 1)
  for (const [id, code] of [
    ['', 2],
    ['x'.repeat(1025), 2],
    ['nobody', 2],
    ['%', 2],
  ] as const) {
    const refused = await rehome(['enqueue', file.path, `--tenant=${id}`], world.environment)
    expect([refused.code, refused.out], refused.error).toEqual([code, ''])
    expect(refused.error.trim().split('\n')).toHaveLength(1)
  }
  expect(await world.rehome.runs()).toEqual([])
})

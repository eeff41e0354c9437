// `rehome where`, of one tenant and of all: what it prints, as text and as JSON.
import { expect, test } from 'vitest'
import { openAttempts } from '../helpers/attempts/attempts.ts'
import { rehome as command } from '../helpers/command.ts'
import { writePlanFile } from '../helpers/plans/plan-file.ts'
import { createWorld } from '../helpers/world.ts'

test('where without a tenant prints the home of each, and a line of JSON for each', async () => {
  await using world = await createWorld()
  for (const tenant of ['a', 'b']) await world.addTenant(tenant, 1)
  await using plan = await writePlanFile(`['a', 'b']`)
  const ask = async (...args: string[]) =>
    await command(['where', ...args, '--plan', plan.path], world.environment)
  const home = (end: 'source' | 'target') => new RegExp(`/${world[end].name}$`)
  await using attempts = openAttempts(world)
  await world.rehome.enqueue(world.plan(), { tenants: ['a'] })
  const { rows } = await world.control.pool.query('select id from rehome_control.moves')
  await attempts.finish(rows[0].id)

  const { out, code } = await ask()
  expect(code).toBe(0)
  const [a, b, ...more] = out.split('\n')
  expect(a).toMatch(new RegExp(`^a · .*/${world.target.name} · its writes are accepted$`))
  expect(b).toMatch(new RegExp(`^b · .*/${world.source.name} · its writes are accepted$`))
  expect(more).toEqual([''])
  const lines = (await ask('--json')).out.trimEnd().split('\n')
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([
    { tenant: 'a', home: expect.stringMatching(home('target')), writes: 'accepted' },
    { tenant: 'b', home: expect.stringMatching(home('source')), writes: 'accepted' },
  ])
  expect(JSON.parse((await ask('a', '--json')).out)).toMatchObject({ tenant: 'a', reason: null })
})

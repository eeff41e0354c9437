// A tenant of any size moves over HTTP in the same memory.
import { expect, test } from 'vitest'
import { startChild } from '../helpers/child.ts'
import { expectHome } from '../helpers/runs.ts'
import { createWorld } from '../helpers/world.ts'

const lines = 200_000

test('200,000 rows move between two ends over HTTP in a heap of 96 MiB', {
  timeout: 180_000,
}, async () => {
  await using world = await createWorld()
  await world.addTenant('acme', 1)
  // 40 MB of text; as rows in memory they would be many times that.
  await world.source.pool.query(`insert into note_lines
    select id, g, lpad(g::text, 200, 'line ') from notes, generate_series(3, ${lines}) g`)
  const environment = Object.entries(world.environment).map(([name, value]) => [name, value ?? ''])
  const mover = startChild('http-mover', {
    env: { ...Object.fromEntries(environment), NODE_OPTIONS: '--max-old-space-size=96' },
  })
  const rows = String(1 + 1 + lines + 20)
  expect(await mover.next()).toEqual({ phase: 'moved', rows, error: null })
  expect(await mover.exited()).toBe(0)
  const query = `select count(*)::int as rows, md5(string_agg(upper(text), '' order by line)) as all
    from note_lines`
  const [there, here] = await Promise.all(
    [world.target, world.source].map(({ pool }) => pool.query(query)),
  )
  expect(there?.rows).toEqual(here?.rows)
  await expectHome(world, 'acme', 'target')
})

// A tenant that is larger than the heap of the process that moves it over HTTP.
import { expect } from 'vitest'
import { expectHome } from '../runs.ts'
import { createWorld } from '../world.ts'
import { startChild } from './child.ts'

const heapMiB = 96

/** Rows of 40 MB and more: as objects in memory they would be several times that. */
export async function moveInSmallHeap(size: { lines: number; bytesEach: number }): Promise<void> {
  const { lines, bytesEach } = size
  await using world = await createWorld()
  await world.addTenant('acme', 1)
  await world.source.pool.query(`insert into note_lines
    select id, g, lpad(g::text, ${bytesEach}, 'line ')
    from notes, generate_series(3, ${lines}) g`)
  const environment = Object.entries(world.environment).map(([name, value]) => [name, value ?? ''])
  const mover = startChild('http-mover', {
    env: { ...Object.fromEntries(environment), NODE_OPTIONS: `--max-old-space-size=${heapMiB}` },
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
}

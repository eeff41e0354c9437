// Two moves that meet at one end: one of them is refused, also where they are asked for at once.
import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { askRetry } from '../../src/control/ask.ts'
import { insertRun } from '../../src/control/runs/runs.ts'
import { controlWith, run } from '../helpers/moves/control-with.ts'

type World = Awaited<ReturnType<typeof controlWith>>

/** `enqueued`, or the code of the refusal. */
function enqueue({ control }: World, scope: string, targetScope: string): Promise<string> {
  const moves = [{ id: randomUUID(), tenant: 'acme' }]
  const asked = insertRun(
    control,
    { ...run, id: randomUUID(), scope },
    { moves, errand: 'move', targetScope },
  )
  return asked.then(
    () => 'enqueued',
    (error: { code: string }) => error.code,
  )
}

test.each([
  ['a', 'b', 'b', 'a'],
  ['a', 'b', 'c', 'b'],
  ['a', 'b', 'b', 'c'],
  ['a', 'b', 'a', 'c'],
])('of moves %s → %s and %s → %s of one tenant, one is enqueued', async (...scopes) => {
  await using world = await controlWith(1)
  const [from = '', to = '', otherFrom = '', otherTo = ''] = scopes
  const said = await Promise.all([enqueue(world, from, to), enqueue(world, otherFrom, otherTo)])
  expect(said.sort()).toEqual(['TENANT_BUSY', 'enqueued'])
})

test('moves of one tenant that have no scope in common are both enqueued', async () => {
  await using world = await controlWith(1)
  const said = await Promise.all([enqueue(world, 'a', 'b'), enqueue(world, 'c', 'd')])
  expect(said).toEqual(['enqueued', 'enqueued'])
})

test('a failed move is not retried while another one is at the end that it would fill', async () => {
  await using world = await controlWith(1)
  expect(await enqueue(world, 'a', 'b')).toBe('enqueued')
  await world.set(`open = false, phase = 'failed', error_code = 'UNEXPECTED' where scope = 'a'`)
  expect(await enqueue(world, 'b', 'a')).toBe('enqueued')
  const query = `select id from rehome_control.moves where scope = 'a'`
  const { id } = (await world.control.pool.query(query)).rows[0]
  await expect(askRetry(world.control, id, { by: 'tester' })).rejects.toMatchObject({
    code: 'TENANT_BUSY',
  })
})

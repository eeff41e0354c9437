// Numbers of a move under way: it has never copied more rows than it has.
import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { claimMove, storeProgress } from '../../src/control/moves.ts'
import { controlWith } from '../helpers/moves/control-with.ts'

test('a tenant that has written since it was counted has no more rows copied than there are', async () => {
  await using world = await controlWith(1)
  const [{ id } = { id: '' }] = world.ids
  const token = randomUUID()
  const move = await claimMove(world.control, { id, errand: 'move', token })
  const held = { id, token, attempt: move?.attempt ?? 0 }
  const store = async (change: { rowsTotal?: number; rowsCopied?: number }) => {
    expect(await storeProgress(world.control, held, change)).toBe(true)
    const query = 'select rows_copied as copied, rows_total as total from rehome_control.moves'
    const { copied, total } = (await world.control.pool.query(query)).rows[0]
    return [Number(copied), Number(total)]
  }
  expect(await store({ rowsTotal: 33_069, rowsCopied: 0 })).toEqual([0, 33_069])
  expect(await store({ rowsCopied: 33_069 })).toEqual([33_069, 33_069])
  expect(await store({ rowsCopied: 33_070 })).toEqual([33_070, 33_070])
  expect(await store({ rowsTotal: 40, rowsCopied: 41 })).toEqual([41, 41])
  expect(await store({ rowsTotal: 100, rowsCopied: 41 })).toEqual([41, 100])
})

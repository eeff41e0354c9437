// Each kind of change alone, made when the copy has its snapshot: only the log can tell of it.
import { expect, test } from 'vitest'
import type { RemoteCall } from '../../src/calls.ts'
import { kindsOfChanges, moveWhile } from '../helpers/kinds-of-changes.ts'
import { changeableKeys } from '../helpers/restless.ts'
import { rowsAt } from '../helpers/runs.ts'
import { createWorld } from '../helpers/world.ts'

const copied = ({ phase, to, text }: RemoteCall) =>
  phase === 'copy' && to === 'source' && text.includes('pg_export_snapshot')

test.each(kindsOfChanges)('%s arrives', async (_, ...statements) => {
  const plan = { strategy: 'online', pause: { budgetMs: 20_000 } } as const
  await using world = await createWorld({ plan, both: changeableKeys })
  await world.addTenant('acme', 10)
  await world.addTenant('beta', 4)
  await using _worker = await world.work()
  const before = await rowsAt(world, 'source', 'acme')
  const { move, said } = await moveWhile(world, statements, copied)
  expect(said).toBe('accepted')
  expect(move).toMatchObject({ phase: 'moved' })
  const rows = await rowsAt(world, 'source', 'acme')
  expect(rows).not.toEqual(before)
  expect(await rowsAt(world, 'target', 'acme')).toEqual(rows)
  expect(await rowsAt(world, 'target', 'beta')).toEqual([])
})

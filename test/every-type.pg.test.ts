// Every type of PostgreSQL, with the values that are easily lost and generated ones, moved as it is
// and through transforms that change nothing: both ends hold the same texts, and the verification
// says so.
import { describe, expect, test } from 'vitest'
import { table } from '../src/plan/plan.ts'
import { partOf } from './helpers/rotation.ts'
import { moveOf, runAll } from './helpers/runs.ts'
import {
  expectSameValues,
  fillTypeTables,
  typeTables,
  typeTablesSql,
} from './helpers/schemas/type-tables.ts'
import { createWorld } from './helpers/world.ts'

type Row = Record<string, unknown>

const kinds: [string, object][] = [
  ['as it is', {}],
  ['through a transform that reads nothing', { transform: (row: Row) => row }],
  ['through a transform that copies all of it', { transform: (row: Row) => ({ ...row }) }],
  [
    'through a transform that puts copies of all its values into it',
    { transform: (row: Row) => Object.assign(row, structuredClone({ ...row })) },
  ],
]

describe.each(partOf(kinds, 2))('a row of every type that goes %s', (_, options) => {
  test('arrives as it was', async () => {
    await using world = await createWorld({
      both: typeTablesSql,
      plan: {
        tables: [
          table('tenants', { tenant: 'id' }),
          ...Object.keys(typeTables).map((name) => table(name, options)),
        ],
        exclude: [{ table: 'notes', leaveReferences: true }, 'note_lines', 'visits'],
      },
    })
    await world.addTenant('acme', 1)
    await fillTypeTables(world)
    await using _worker = await world.work()
    const move = await moveOf(world, await runAll(world), 'acme')
    expect(move.error_message).toBeNull()
    await expectSameValues(world)
  })
})

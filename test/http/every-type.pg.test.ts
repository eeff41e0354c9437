// Every type of PostgreSQL over HTTP, as it is and through transforms that change nothing.
import { describe, expect, test } from 'vitest'
import { table } from '../../src/plan/plan.ts'
import { createHttpWorld, mixes } from '../helpers/http-world.ts'
import { moveOf, runAll } from '../helpers/runs.ts'
import {
  expectSameValues,
  fillTypeTables,
  typeTables,
  typeTablesSql,
} from '../helpers/type-tables.ts'

type Row = Record<string, unknown>

const exclude = ['notes', 'note_lines', 'visits']
const tablesWith = (options: { transform?: (row: Row) => Row }) => [
  table('tenants', { tenant: 'id' }),
  ...Object.keys(typeTables).map((name) => table(name, options)),
]

describe.each(mixes)('with %s over HTTP', (_called, over) => {
  test.each([
    ['as it is', {}],
    ['through a transform that reads nothing', { transform: (row: Row) => row }],
    [
      'through a transform that puts copies of all its values into it',
      { transform: (row: Row) => Object.assign(row, structuredClone({ ...row })) },
    ],
  ])('a row of every type goes %s', async (_, options) => {
    await using world = await createHttpWorld({
      ...{ over, both: typeTablesSql, asking: { pageRows: 100 } },
      serve: () => ({ tables: tablesWith({}), exclude }),
      plan: { tables: tablesWith(options), exclude },
    })
    await world.addTenant('acme', 1)
    await fillTypeTables(world)
    await using _worker = await world.work()
    const move = await moveOf(world, await runAll(world), 'acme')
    expect([move.phase, move.error_message]).toEqual(['moved', null])
    await expectSameValues(world)
  })
})

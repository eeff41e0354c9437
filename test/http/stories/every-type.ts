// Every type of PostgreSQL over HTTP, as it is and through transforms that change nothing.
import { expect } from 'vitest'
import { table } from '../../../src/plan/plan.ts'
import type { MixedStory } from '../../helpers/http/http-mixes.ts'
import { createHttpWorld, type EndName } from '../../helpers/http-world.ts'
import { moveOf, runAll } from '../../helpers/runs.ts'
import {
  expectSameValues,
  fillTypeTables,
  typeTables,
  typeTablesSql,
} from '../../helpers/schemas/type-tables.ts'

type Row = Record<string, unknown>

const exclude = [{ table: 'notes', leaveReferences: true }, 'note_lines', 'visits']
const tablesWith = (options: { transform?: (row: Row) => Row }) => [
  table('tenants', { tenant: 'id' }),
  ...Object.keys(typeTables).map((name) => table(name, options)),
]

async function moveEveryType(
  over: readonly EndName[],
  options: { transform?: (row: Row) => Row },
): Promise<void> {
  await using world = await createHttpWorld({
    ...{ over, both: typeTablesSql, asking: { pageRows: 100 } },
    serve: () => ({ tables: tablesWith({}), exclude }),
    plan: { tables: tablesWith(options), exclude, chunkRows: 100 },
  })
  await world.addTenant('acme', 1)
  await fillTypeTables(world)
  await using _worker = await world.work()
  const move = await moveOf(world, await runAll(world), 'acme')
  expect([move.phase, move.error_message]).toEqual(['moved', null])
  await expectSameValues(world)
}

export const everyTypeStories: Readonly<Record<string, MixedStory>> = {
  'a row of every type goes as it is': (over) => moveEveryType(over, {}),

  'a row of every type goes through a transform that reads nothing': (over) =>
    moveEveryType(over, { transform: (row) => row }),

  'a row of every type goes through a transform that puts copies of all its values into it': (
    over,
  ) => {
    const transform = (row: Row) => Object.assign(row, structuredClone({ ...row }))
    return moveEveryType(over, { transform })
  },
}

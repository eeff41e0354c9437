/** Points on the description. */
import type { z } from 'zod'
import type { tenantPath } from '../../src/ends/http/protocol/description.ts'
import { probe } from '../md5.ts'
import { expectSame, expectThat, type Point } from '../point.ts'
import { keyOf, namesOf } from '../tables.ts'

export const descriptionPoints: readonly Point[] = [
  {
    name: 'description.valid',
    says: 'GET /v1 describes the end, as the protocol has it',
    needs: ['auth.right'],
    async check(end) {
      const { tables } = await end.describe()
      expectThat(tables.length > 0, () => 'there is no table')
      expectThat(
        new Set(tables.map(({ name }) => name)).size === tables.length,
        () => 'a table is described twice',
      )
    },
  },
  {
    name: 'description.keys',
    says: 'each table has a primary key, of columns that are not null',
    needs: ['description.valid'],
    async check(end) {
      for (const table of (await end.describe()).tables) {
        const key = keyOf(table)
        expectThat(key.length > 0, () => `"${table.name}" has no unique with \`primary\``)
        const absent = key.find((name) => !table.columns.some((c) => c.name === name && c.notNull))
        expectThat(absent === undefined, () => `"${table.name}": key "${absent}" may be null`)
      }
    },
  },
  {
    name: 'description.paths',
    says: "each table's paths lead through tables that are described to a column",
    needs: ['description.valid'],
    async check(end) {
      const { tables } = await end.describe()
      for (const { name, path } of tables) {
        for (const step of stepsIn(name, path)) {
          const table = tables.find((one) => one.name === step.table)
          expectThat(
            table,
            () => `"${name}": its path leads to "${step.table}", which is not there`,
          )
          const missing = step.columns.find((column) => !namesOf(table).includes(column))
          expectThat(
            missing === undefined,
            () => `"${step.table}" has no column "${missing}" of the path`,
          )
        }
      }
    },
  },
  {
    name: 'description.md5',
    says: 'the end has the hash function md5, and its probe is right',
    needs: ['description.valid'],
    async check(end) {
      expectSame((await end.describe()).digestProbes.md5, String(probe), 'digestProbes.md5')
    },
  },
  {
    name: 'description.guarded',
    says: "no table's writers are left unguarded",
    needs: ['description.valid'],
    async check(end) {
      expectSame((await end.describe()).unguarded, [], 'unguarded')
    },
  },
]

type Path = z.infer<typeof tenantPath>

/** The columns of each table that a path names. */
function stepsIn(table: string, path: Path): { table: string; columns: string[] }[] {
  if (path.kind === 'column') return [{ table, columns: [path.column] }]
  const steps = path.kind === 'any' ? [...path.ways, ...path.selves] : [path]
  const own = steps.flatMap(({ columns, parent, parentColumns }) => [
    { table, columns },
    { table: parent, columns: parentColumns },
  ])
  const above = path.kind === 'any' ? path.ways : [path]
  return [...own, ...above.flatMap((way) => stepsIn(way.parent, way.path))]
}

/** Sequences, which are looked at and never moved. */
import { expectSame, expectThat, type Point, Skipped } from '../point.ts'
import { rowsOf, tablesWithRows } from '../tables.ts'

export const sequencePoints: readonly Point[] = [
  {
    name: 'sequences.largest',
    says: "largestId is the largest of the tenant's rows",
    needs: ['pages.once'],
    async check(end) {
      const { scope, tenant } = end
      let looked = 0
      for (const table of await tablesWithRows(end)) {
        for (const { name: column } of table.columns.filter(({ sequence }) => sequence !== null)) {
          looked += 1
          const rows = await rowsOf(end, { tenant, table, limit: 1_000, columns: [column] })
          const ids = rows.flatMap(([id]) => (id == null ? [] : [BigInt(id)]))
          const largest = ids.sort((a, b) => (a < b ? -1 : 1)).at(-1)
          const asked = { scope, tenant, table: table.name, column, descending: false }
          const found = await end.ask('largestId', asked)
          expectSame(
            found,
            largest === undefined ? null : String(largest),
            `"${table.name}.${column}"`,
          )
        }
      }
      if (looked === 0) throw new Skipped('no column with rows has a sequence')
    },
  },
  {
    name: 'sequences.back',
    says: 'a sequence is never brought back: advanceSequence to where it has been is false',
    needs: ['description.valid'],
    async check(end) {
      const { tables } = await end.describe()
      const names = tables.flatMap(({ columns }) =>
        columns.flatMap(({ sequence }) => sequence ?? []),
      )
      if (names.length === 0) throw new Skipped('no column has a sequence')
      for (const sequence of names) {
        const before = BigInt(await end.ask('positionOf', { sequence }))
        const advanced = await end.ask('advanceSequence', { sequence, id: String(before - 1n) })
        expectThat(!advanced, () => `${sequence}: it said that it moved to ${before - 1n}`)
        const after = await end.ask('positionOf', { sequence })
        expectThat(BigInt(after) >= before, () => `${sequence}: it went back to ${after}`)
      }
    },
  },
]

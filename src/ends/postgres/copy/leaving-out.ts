/** Rows that come while their source is written: those that collide by then are left out. */
import { inTransactionOf } from '../../../postgres.ts'
import type { SqlEnd } from '../../end.ts'
import type { TableProgress, Writer, Writing } from '../../rows.ts'
import type { Texts } from '../../tenant-rows.ts'
import { batchWeightMax, weightOf } from '../../weight.ts'
import { beginWriting } from '../fence/begin-writing.ts'
import { holdReceiving } from '../fence/holds.ts'
import { scoped } from '../postgres-end.ts'
import { placeRows } from './place-rows.ts'
import { writeProgress } from './progress.ts'

const begin = beginWriting({ replicate: true })

type WritingLeavingOut = Writing & {
  readonly leavingOut: NonNullable<Writing['leavingOut']>
}

/** Held in memory until they are committed. */
export function writerLeavingOut(
  end: SqlEnd,
  { hold: held, table, leavingOut }: WritingLeavingOut,
): Writer {
  const hold = scoped(end, held)
  const own = { table, path: leavingOut.path, key: [] }
  let rows: Texts[] = []
  let columns: readonly string[] = []
  let weight = 0
  return {
    isFull: () => weight > batchWeightMax,
    async write(some, names) {
      columns = names
      for (const row of some) {
        rows.push(row)
        weight += weightOf(row)
      }
    },
    async commit(progress: TableProgress) {
      const left = await inTransactionOf(end.pool, begin, async (client) => {
        await holdReceiving(client, hold, end)
        const placing = { schema: end.schema, table: own, columns, rows }
        const placed = await placeRows(client, hold.tenant, placing)
        await writeProgress(client, { ...hold, table: own.table.name }, progress)
        return placed
      })
      if (left.collided.length + left.orphaned.length > 0) leavingOut.tell()
      rows = []
      weight = 0
    },
  }
}

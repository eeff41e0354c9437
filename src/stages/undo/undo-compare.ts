/**
 * Was anything written at the new home? The source still stands as it was at the cutover, so a
 * whole comparison tells, row by row. Writes are given up only if a person has confirmed it.
 */

import type { Stage } from '../../attempt/shard.ts'
import { refuseStrays } from '../../attempt/strays.ts'
import { wayBackOf } from '../../attempt/way-back.ts'
import { compareShard } from '../../comparison/compare.ts'
import { RehomeError } from '../../errors.ts'
import { verifyWhileWritten } from '../verify.ts'

export const undoCompare: Stage = {
  phase: 'undo_compare',
  beginsUnstored: true,
  async run(shard) {
    if (!shard.move.discard_writes) await refuseStrays(wayBackOf(shard))
    const comparisons = await compareShard(shard)
    const changed = comparisons.filter((comparison) => !comparison.equal)
    const rows = changed.reduce((total, { differing }) => total + differing, 0)
    shard.evidence.writesSinceCutover = { rows, tables: changed }
    if (rows === 0) return shard.tell('nothing was written at the target since the cutover')
    if (shard.move.discard_writes) {
      return shard.tell(`${rows} rows written at the target are given up, as was asked for`)
    }
    const tables = changed.map(({ table, differing }) => `"${table}": ${differing}`).join(', ')
    const message = `${rows} rows were written at the target since the cutover (${tables}): repeat with --discard-writes to give them up`
    throw new RehomeError('WRITES_WOULD_BE_LOST', message, { data: { rows, tables: changed } })
  },
}

/** Compares what has come back with the new home, at one moment, while the tenant writes. */
export const undoVerify: Stage = {
  phase: 'undo_compare',
  isPaced: true,
  run: (shard) => verifyWhileWritten.run(wayBackOf(shard)),
}

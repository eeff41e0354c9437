/**
 * Removes one tenant's rows from an end that is not its home, in batches.
 *
 * Each batch is a transaction that first locks the tenant's flag under our token and sees that this
 * end is closed for it (`receiving` or `moved`); each delete carries the tenant. So neither a
 * worker that was taken over nor a late clean-up can touch rows that somebody lives in.
 */
import { RehomeError } from '../../errors.ts'
import type { TenantPath } from '../../plan/tenant-path.ts'
import { inTransaction } from '../../postgres.ts'
import { qualified } from '../../quote.ts'
import type { SqlEnd } from './end.ts'
import { type Flag, type Hold, holdFlag } from './flags.ts'
import { tenantPredicate } from './predicate.ts'

export interface WipeTable {
  readonly name: string
  readonly path: TenantPath
  /** Rows point at rows of the same table, so that they can only go together. */
  readonly selfReference: boolean
}

export interface WipeOptions {
  /** The only mode in which rows may be removed here. */
  readonly mode: Exclude<Flag['mode'], 'read_only'>
  /** Rows a batch. Default 5,000. */
  readonly batchRows?: number
  readonly signal: AbortSignal
  readonly onBatch?: (rows: number) => Promise<void> | void
}

/** Children first, so `tables` come in reverse order of copying. Returns the rows removed. */
export async function wipeTenant(
  end: SqlEnd,
  hold: Hold,
  work: { tables: readonly WipeTable[]; options: WipeOptions },
): Promise<number> {
  let total = 0
  for (const table of work.tables) {
    for (;;) {
      work.options.signal.throwIfAborted()
      const rows = await wipeBatch(end, hold, { table, options: work.options })
      total += rows
      await work.options.onBatch?.(rows)
      if (rows === 0 || table.selfReference) break
    }
  }
  return total
}

async function wipeBatch(
  end: SqlEnd,
  hold: Hold,
  work: { table: WipeTable; options: WipeOptions },
): Promise<number> {
  const { table, options } = work
  const name = qualified(end.schema, table.name)
  const predicate = tenantPredicate(table.path, {
    schema: end.schema,
    alias: 'r',
    tenant: hold.tenant,
  })
  // Of a partitioned table one ctid may mean a row in each partition: all of them are this
  // tenant's.
  const batch = `array(select r.ctid from ${name} r where ${predicate}
    limit ${options.batchRows ?? 5000})`
  const chosen = table.selfReference ? '' : `r.ctid = any (${batch}) and `
  return await inTransaction(end.pool, async (client) => {
    const mode = await holdFlag(client, hold)
    if (mode !== options.mode) {
      throw new RehomeError(
        'FENCE_LOST',
        `the ${end.name} is ${mode ?? 'not closed by this move'}: no row was removed there`,
        { tenant: hold.tenant },
      )
    }
    const result = await client.query(`delete from ${name} r where ${chosen}${predicate}`)
    return result.rowCount ?? 0
  })
}

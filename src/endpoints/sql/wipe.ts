/**
 * Removes one tenant's rows from an end that is not its home, in batches.
 *
 * Each batch is a transaction that first locks the tenant's flag under our token and sees that this
 * end is closed for it (`receiving` or `moved`); each delete carries the tenant. So neither a
 * worker that was taken over nor a late clean-up can touch rows that somebody lives in.
 */

import { RehomeError } from '../../errors.ts'
import type { TenantPath } from '../../plan/path.ts'
import { inTransaction } from '../../postgres.ts'
import { qualified } from '../../quote.ts'
import type { Flag, Hold } from '../flags.ts'
import type { SqlEnd } from './end.ts'
import { holdFlag } from './holds.ts'
import { tenantPredicate } from './predicate.ts'

export interface WipeTable {
  readonly name: string
  readonly path: TenantPath
}

export interface WipeGroup {
  readonly tables: readonly WipeTable[]
  /** Their rows point at each other, so that they can only go together. */
  readonly atOnce: boolean
}

export interface WipeOptions {
  /** The only mode in which rows may be removed here. */
  readonly mode: Extract<Flag['mode'], 'receiving' | 'moved'>
  /** Rows a batch. Default 5,000. */
  readonly batchRows?: number
  readonly signal: AbortSignal
  readonly onBatch?: (rows: number) => Promise<void> | void
}

/**
 * Children first. Tables of one group refer to each other, or to themselves, and so are emptied in
 * one statement, at whose end foreign keys are checked. Returns the rows removed.
 */
export async function wipeTenant(
  end: SqlEnd,
  hold: Hold,
  work: { groups: readonly WipeGroup[]; options: WipeOptions },
): Promise<number> {
  let total = 0
  for (const group of work.groups) {
    for (;;) {
      work.options.signal.throwIfAborted()
      const rows = await wipeBatch(end, hold, { group, options: work.options })
      total += rows
      await work.options.onBatch?.(rows)
      if (rows === 0 || group.atOnce) break
    }
  }
  return total
}

/** Returns the rows removed: 0 where none are left. */
export async function wipeBatch(
  end: SqlEnd,
  hold: Hold,
  work: { group: WipeGroup; options: Pick<WipeOptions, 'mode' | 'batchRows'> },
): Promise<number> {
  const { group, options } = work
  const batchRows = group.atOnce ? null : (options.batchRows ?? 5000)
  const at = { schema: end.schema, alias: 'r', tenant: hold.tenant }
  const deletes = group.tables.map((table) => deleteRows(table, at, batchRows))
  const names = deletes.map((_, i) => `d${i}`)
  const query = `with ${deletes.map((text, i) => `d${i} as (${text} returning 1)`).join(', ')}
    select ${names.map((name) => `(select count(*) from ${name})`).join(' + ')} as rows`
  return await inTransaction(end.pool, async (client) => {
    const mode = await holdFlag(client, hold, end)
    if (mode !== options.mode) {
      throw new RehomeError(
        'FENCE_LOST',
        `the ${end.name} is ${mode ?? 'not closed by this move'}: no row was removed there`,
        { tenant: hold.tenant },
      )
    }
    return Number((await client.query(query)).rows[0].rows)
  })
}

/** Of a partitioned table one ctid may mean a row in each partition: all are this tenant's. */
function deleteRows(
  table: WipeTable,
  at: { schema: string; alias: string; tenant: string },
  batchRows: number | null,
): string {
  const name = qualified(at.schema, table.name)
  const predicate = tenantPredicate(table.path, at)
  const batch = `array(select r.ctid from ${name} r where ${predicate} limit ${batchRows})`
  const chosen = batchRows === null ? '' : `r.ctid = any (${batch}) and `
  return `delete from ${name} r where ${chosen}${predicate}`
}

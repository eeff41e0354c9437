/**
 * Removes one tenant's rows from an end that is not its home, in batches.
 *
 * Each batch is a transaction that first locks the tenant's flag under our token and sees that this
 * end is closed for it (`receiving` or `moved`); each delete carries the tenant. So neither a
 * worker that was taken over nor a late clean-up can touch rows that somebody lives in.
 *
 * It removes exactly the rows that the paths of the tables find, and changes nothing else. Where
 * our role may, foreign keys, triggers and rules are off, and references are checked in the same
 * transaction; where it may not, tables at which something would fire are refused.
 */

import { firstFew, RehomeError } from '../../../errors.ts'
import { acts, firingFindings } from '../../../plan/catalogs/dependents.ts'
import { hopsOf, isRecursive } from '../../../plan/routing/path.ts'
import type { EndTable } from '../../../plan/routing/route.ts'
import { type Client, inTransactionOf } from '../../../postgres.ts'
import type { SqlEnd } from '../../end.ts'
import type { Hold } from '../../flags.ts'
import type { WipeGroup, WipeOptions } from '../../rows.ts'
import type { Strays } from '../../tenant-rows.ts'
import { findStrays } from '../compare/strays.ts'
import { beginWriting } from '../fence/begin-writing.ts'
import { holdFlag } from '../fence/holds.ts'
import { tenantPredicate } from '../tenant-of-rows.ts'
import { goneWith, referredColumns, refuseBrokenByRemoval } from './broken-by-removal.ts'
import { type Removal, removeRows } from './remove-rows.ts'

type BatchOptions = Pick<WipeOptions, 'mode' | 'replicate' | 'batchRows'>

/**
 * Children first. Tables of one group refer to each other, or to themselves, and so are emptied in
 * one transaction. Returns the rows removed. Throws PREFLIGHT_FAILED before anything is removed
 * where something would fire, FOREIGN_KEY_BROKEN and ROWS_NOT_REMOVED.
 */
export async function wipeTenant(
  end: SqlEnd,
  hold: Hold,
  work: { groups: readonly WipeGroup[]; options: WipeOptions },
): Promise<number> {
  for (const group of work.groups) refuseFiring(end, group, work.options)
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
  work: { group: WipeGroup; options: BatchOptions },
): Promise<number> {
  const { group, options } = work
  refuseFiring(end, group, options)
  return await inTransactionOf(end.pool, beginWriting(options), async (client) => {
    const mode = await holdFlag(client, hold, end)
    if (mode !== options.mode) {
      throw new RehomeError(
        'FENCE_LOST',
        `the ${end.name} is ${mode ?? 'not closed by this move'}: no row was removed there`,
        { tenant: hold.tenant },
      )
    }
    const at = { schema: end.schema, tenant: hold.tenant, group, batchRows: options.batchRows }
    return await (options.replicate ? removeUnchecked(client, at) : removeChecked(client, at))
  })
}

interface Batch {
  readonly schema: string
  readonly tenant: string
  readonly group: WipeGroup
  readonly batchRows: number | undefined
}

/** Removes rows with foreign keys on. Those that act on a removal may meet no row but ours. */
async function removeChecked(client: Client, batch: Batch): Promise<number> {
  const { schema, tenant, group } = batch
  const request = { schema, tenant, tables: group.tables, among: acts }
  const strays = await findStrays(client, request)
  if (strays.length > 0) throw wouldAct(tenant, strays)
  const limit = group.atOnce ? null : (batch.batchRows ?? 5000)
  const removed = await removeRows(
    client,
    group.tables.map((table) => removalOf(batch, table, limit)),
  )
  return removed.reduce((total, { rows }) => total + rows, 0)
}

function wouldAct(tenant: string, strays: readonly Strays[]): RehomeError {
  const facts = strays.map(({ table, foreignKey, rows }) => {
    return `"${table}": "${foreignKey}" would remove or change ${rows} rows that are not of the move`
  })
  const message = `${firstFew(facts)}: nothing was removed; remove or change them, then ask again`
  return new RehomeError('FOREIGN_KEY_BROKEN', message, { tenant, data: { ...strays[0], strays } })
}

/** Foreign keys are off: rows that refer to what goes are looked for after each batch. */
async function removeUnchecked(client: Client, batch: Batch): Promise<number> {
  const { schema, tenant, group } = batch
  const going = group.atOnce ? group.tables : []
  let total = 0
  // What is found through others goes before them.
  for (const own of group.tables.toSorted((a, b) => hopsOf(b.path) - hopsOf(a.path))) {
    const columns = referredColumns(own.table)
    for (;;) {
      // Without the rows above them, rows of the same table would not be found any longer.
      const limit = isRecursive(own.path) ? null : (batch.batchRows ?? 5000)
      const removal = { ...removalOf(batch, own, limit), columns }
      const [removed] = await removeRows(client, [removal])
      if (!removed || removed.rows === 0) break
      total += removed.rows
      const gone = goneWith(removed)
      await refuseBrokenByRemoval(client, { schema, table: own.table, gone, tenant, going })
      if (!group.atOnce) return total
    }
  }
  return total
}

function removalOf({ schema, tenant }: Batch, { table, path }: EndTable, limit: number | null) {
  const where = tenantPredicate(path, { schema, alias: 'r', tenant })
  return { schema, table, where, limit } satisfies Removal
}

/** Throws PREFLIGHT_FAILED. */
function refuseFiring(end: SqlEnd, { tables }: WipeGroup, { replicate }: BatchOptions): void {
  for (const { table } of tables) {
    const [finding] = firingFindings(end.name, table, { replicate, events: ['DELETE'] })
    if (!finding) continue
    const message = `${finding.where}: ${finding.message}; nothing was removed`
    throw new RehomeError('PREFLIGHT_FAILED', message, { data: { finding } })
  }
}

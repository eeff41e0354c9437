/**
 * Every removal of a tenant's rows from an end that is not its home: what a withdrawal, a retry, a
 * rehearsal and a clean-up have in common. No removal begins while rows of others refer to what
 * would go, so none stops halfway.
 */

import { tablesAt } from '../attempt/planned-rows.ts'
import { holdOf, type Shard } from '../attempt/shard.ts'
import { refuseReferring } from '../attempt/strays.ts'
import type { WipeGroup, WipeOptions } from '../ends/rows.ts'
import { parentsFirst } from '../plan/routing/order.ts'
import type { EndTable } from '../plan/routing/route.ts'
import { keysOfTable } from '../plan/routing/tables.ts'

type EndName = 'source' | 'target'

export interface RemovalOptions extends Pick<WipeOptions, 'mode' | 'onBatch'> {
  /** Right before the first row goes. */
  readonly onBegin?: () => Promise<void>
}

/**
 * In the mode that rows are copied in. Returns how many went. Throws FOREIGN_KEY_BROKEN before any
 * has gone, and what `wipeTenant` throws.
 */
export async function removeTenant(
  shard: Shard,
  end: EndName,
  { onBegin, ...options }: RemovalOptions,
): Promise<number> {
  await refuseReferring(shard, end)
  await onBegin?.()
  const { mayReplicate: replicate } = shard.survey[end]
  const groups = tablesToWipe(shard, end)
  const work = { groups, options: { ...options, replicate, signal: shard.signal } }
  return await shard.ends[end].rows.wipe(holdOf(shard), work)
}

/** Children before parents, as the foreign keys of that end have it. */
function tablesToWipe(shard: Shard, end: EndName): WipeGroup[] {
  const tables = tablesAt(shard, end)
  const { names, cycle } = parentsFirst(tables.map(({ table }) => table))
  const tableOf = (name: string) => {
    return tables.find((at) => at.table.name === name) as EndTable
  }
  const groups: WipeGroup[] = []
  // From the first table of a circle to the last, every table between them depends on both.
  const [first, last] = [names.indexOf(cycle[0] ?? ''), names.indexOf(cycle.at(-1) ?? '')]
  for (const [i, name] of [...names.entries()].reverse()) {
    const self = keysOfTable(tableOf(name).table).some((key) => key.parent === name)
    if (i < first || i > last) groups.push({ tables: [tableOf(name)], atOnce: self })
    else if (i === last)
      groups.push({ tables: names.slice(first, last + 1).map(tableOf), atOnce: true })
  }
  return groups
}

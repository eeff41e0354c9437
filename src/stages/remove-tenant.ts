/**
 * Every removal of a tenant's rows from an end that is not its home: what a withdrawal, a retry, a
 * rehearsal and a clean-up have in common. No removal begins while rows of others refer to what
 * would go, so none stops halfway.
 */

import { pacedChunkRows } from '../attempt/pace.ts'
import { tablesAt } from '../attempt/planned-rows.ts'
import { holdOf, type Shard } from '../attempt/shard.ts'
import { refuseReferring } from '../attempt/strays.ts'
import { now } from '../clock.ts'
import type { WipeGroup, WipeOptions } from '../ends/rows.ts'
import { known } from '../known.ts'
import { parentsFirst } from '../plan/routing/order.ts'
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
  let began = now()
  const onBatch = async (rows: number) => {
    await options.onBatch?.(rows)
    await shard.pace?.rest(now() - began)
    began = now()
  }
  const paced = shard.pace?.isOn && { batchRows: pacedChunkRows }
  const work = {
    groups,
    options: { ...options, ...paced, onBatch, replicate, signal: shard.signal },
  }
  return await shard.ends[end].rows.wipe(holdOf(shard), work)
}

/** Children before parents, as the foreign keys of that end have it. */
function tablesToWipe(shard: Shard, end: EndName): WipeGroup[] {
  const tables = tablesAt(shard, end)
  const { names, circles } = parentsFirst(tables.map(({ table }) => table))
  const tableOf = (name: string) => known(tables.find((at) => at.table.name === name))
  const groups: WipeGroup[] = []
  for (const name of names.toReversed()) {
    const circle = circles.find((one) => one.includes(name))
    const self = keysOfTable(tableOf(name).table).some((key) => key.parent === name)
    if (!circle) groups.push({ tables: [tableOf(name)], atOnce: self })
    // What depends on one of its tables depends on all of them, and has come before the last.
    else if (circle.at(-1) === name) groups.push({ tables: circle.map(tableOf), atOnce: true })
  }
  return groups
}

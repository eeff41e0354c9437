/** A round at an end at which our role may not switch foreign keys off: see changes/in-place.ts. */
import type { Shard } from '../../attempt/shard.ts'
import { refuseActing } from '../../ends/postgres/changes/acting-keys.ts'
import type { Bringing } from '../../ends/postgres/changes/brought-keys.ts'
import type { ChangedTable, Changes } from '../../ends/postgres/changes/changes.ts'
import {
  checkKeys,
  deferKeys,
  type Noted,
  noteOurs,
  placeStaged,
  type Staged,
  stageChanged,
} from '../../ends/postgres/changes/in-place.ts'
import { refuseStaying, removeFree } from '../../ends/postgres/changes/leaving-rows.ts'
import { passThrough } from '../../ends/postgres/copy/copy-table.ts'
import { parentsFirst } from '../../plan/routing/order.ts'
import type { Route } from '../../plan/routing/route.ts'
import { type RowMapper, transformMapper } from '../../transform/transform-mapper.ts'

export function changedRowMapper({ context }: Bringing, route: Route): RowMapper {
  return route.transform
    ? transformMapper(route, context, { oneFormat: false })
    : passThrough(route)
}

export interface InPlace {
  readonly bringing: Bringing
  readonly changes: Changes
  readonly schema: string
  readonly tables: readonly ChangedTable[]
  /** Columns of its rows that others refer to, beside its key. */
  readonly otherColumns: (table: ChangedTable) => readonly string[]
}

/** Sorted by the keys that the target's database keeps. */
function parentsBefore(tables: readonly ChangedTable[]): ChangedTable[] {
  const declared = tables.map(({ route: { target } }) => {
    return { ...target, foreignKeys: target.foreignKeys.filter((key) => !key.undeclared) }
  })
  const { names } = parentsFirst(declared)
  return names.flatMap((name) => tables.filter(({ route }) => route.target.name === name))
}

export async function replaceInPlace(
  { signal }: Shard,
  { bringing, changes, schema, tables, otherColumns }: InPlace,
): Promise<{ readonly removed: number; readonly brought: number }> {
  const { target } = bringing
  await deferKeys(target)
  const came: Staged[] = []
  for (const [place, table] of parentsBefore(tables).entries()) {
    signal.throwIfAborted()
    const mapper = changedRowMapper(bringing, table.route)
    came.push(await stageChanged(bringing, changes, { table, schema, mapper, place }))
  }
  const all: Noted[] = []
  for (const staged of came) {
    const noted = otherColumns(staged.table)
    all.push(await noteOurs(bringing, changes, { staged, noted }))
  }
  const going = all.reduce((sum, one) => sum + one.going, 0)
  let removed = await removeFree(target, all)
  await refuseActing(target, all)
  for (const one of all) {
    signal.throwIfAborted()
    await placeStaged(target, one)
  }
  if (removed < going) {
    removed += await removeFree(target, all)
    for (const one of all) await refuseStaying(target, one)
  }
  await checkKeys(target)
  return { removed, brought: all.reduce((sum, { rows }) => sum + rows, 0) }
}

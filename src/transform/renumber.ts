/** Gives rows their new ids before anything else is made of them. */

import type { IdSpace, Rows } from '../ends/rows.ts'
import type { Texts } from '../ends/tenant-rows.ts'
import type { Route } from '../plan/routing/route.ts'

export type Renumber = (rows: readonly Texts[]) => Promise<readonly Texts[]>

/** `spaces`: how ids of each space are made. One question a page and space. */
export function renumberAt(
  target: Rows,
  { newIds, columns }: Route,
  spaces: ReadonlyMap<string, IdSpace>,
): Renumber {
  const renumbered = columns.flatMap(({ from }, index) => {
    const space = from === null ? undefined : spaces.get(newIds[from] ?? '')
    return space ? [{ index, space }] : []
  })
  if (renumbered.length === 0) return async (rows) => rows
  return async (rows) => {
    const idsOf = new Map<string, ReadonlyMap<string, string>>()
    for (const space of new Set(renumbered.map((one) => one.space))) {
      const at = renumbered.filter((one) => one.space === space)
      const old = rows.flatMap((row) => at.flatMap(({ index }) => row[index] ?? []))
      idsOf.set(space.space, await target.newIds(space, [...new Set(old)]))
    }
    return rows.map((row) => {
      const renewed = [...row]
      for (const { index, space } of renumbered) {
        const old = row[index] ?? null
        renewed[index] = old === null ? null : (idsOf.get(space.space)?.get(old) ?? null)
      }
      return renewed
    })
  }
}

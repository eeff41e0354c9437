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
  const wanted = columns.flatMap(({ from }, index) => {
    const space = from === null ? undefined : spaces.get(newIds[from] ?? '')
    return space ? [{ index, space }] : []
  })
  if (wanted.length === 0) return async (rows) => rows
  return async (rows) => {
    const found = new Map<string, ReadonlyMap<string, string>>()
    for (const space of new Set(wanted.map((one) => one.space))) {
      const at = wanted.filter((one) => one.space === space)
      const old = rows.flatMap((row) => at.flatMap(({ index }) => row[index] ?? []))
      found.set(space.space, await target.newIds(space, [...new Set(old)]))
    }
    return rows.map((row) => {
      const renewed = [...row]
      for (const { index, space } of wanted) {
        const old = row[index] ?? null
        renewed[index] = old === null ? null : (found.get(space.space)?.get(old) ?? null)
      }
      return renewed
    })
  }
}

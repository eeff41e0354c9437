/** Looks which of some keys rows of a table have, whosever they are. */
import { qualified } from '../../../quote.ts'
import type { SqlEnd } from '../../end.ts'
import type { Keys } from '../../rows.ts'
import { columnsEqual } from '../matching.ts'
import { typedText } from '../predicate.ts'
import { goesThisWay, TenantParameters } from '../tenant-of-rows.ts'
import { arrayOfTexts } from '../text-batches.ts'

/** Keys that exist at the end, as text. One statement for all tables, the same for all keys. */
export async function existingKeys(end: SqlEnd, lists: readonly Keys[]): Promise<string[][]> {
  const existing: string[][] = lists.map(() => [])
  if (lists.length === 0) return existing
  const parameters = new TenantParameters()
  const looks = lists.map((keys, i) => selectExisting(end, keys, { i, parameters }))
  const { rows } = await end.pool.query(looks.join(' union all '), parameters.values)
  for (const { i, key } of rows) existing[i]?.push(key)
  return existing
}

function selectExisting(
  { schema }: SqlEnd,
  { table, key, keys, when }: Keys,
  { i, parameters }: { readonly i: number; readonly parameters: TenantParameters },
): string {
  const value = (name: string, place: number) => typedText(table, name, `k.c${place}`)
  const match = columnsEqual(table, key, { alias: 'r', value })
  const arrays = key.map((_, place) => `${parameters.add(arrayOfTexts(keys, place))}::text[]`)
  const names = key.map((_, place) => `c${place}`).join(', ')
  return `select ${i} as i, row(${names})::text as key
    from unnest(${arrays.join(', ')}) k (${names})
    where exists (select from ${qualified(schema, table.name)} r
      where ${goesThisWay({ when }, 'r')}${match})`
}

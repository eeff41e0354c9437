/** Looks which of some keys rows of a table have, whosever they are. */
import { qualified } from '../../../quote.ts'
import type { SqlEnd } from '../../end.ts'
import type { Keys } from '../../rows.ts'
import { columnsEqual } from '../matching.ts'
import { typedText } from '../predicate.ts'
import { goesThisWay } from '../tenant-of-rows.ts'
import { arrayOfTexts } from '../text-batches.ts'

/** Keys that exist at the end, as text. */
export async function existingKeys(
  end: SqlEnd,
  { table, key, keys, when }: Keys,
): Promise<string[]> {
  const value = (name: string, i: number) => typedText(table, name, `k.c${i}`)
  const match = columnsEqual(table, key, { alias: 'r', value })
  const arrays = key.map((_, i) => `$${i + 1}::text[]`).join(', ')
  const names = key.map((_, i) => `c${i}`).join(', ')
  const query = `select row(${names})::text as key from unnest(${arrays}) k (${names})
    where exists (select from ${qualified(end.schema, table.name)} r
      where ${goesThisWay({ when }, 'r')}${match})`
  const parameters = key.map((_, i) => arrayOfTexts(keys, i))
  return (await end.pool.query(query, parameters)).rows.map((row: { key: string }) => row.key)
}

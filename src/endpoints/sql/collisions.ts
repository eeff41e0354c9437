/** Looks which of some keys rows of a table have, whosever they are. */
import { ident, qualified } from '../../quote.ts'
import type { Keys } from '../rows.ts'
import type { SqlEnd } from './end.ts'
import { arrayOfTexts } from './text-batches.ts'

/** As text. */
export async function existingKeys(end: SqlEnd, { table, key, keys }: Keys): Promise<string[]> {
  const columns = key.map((name) => {
    const column = table.columns.find((candidate) => candidate.name === name)
    return { name, type: column?.typeSql ?? 'text' }
  })
  const match = columns.map((c, i) => `r.${ident(c.name)} = k.c${i}::${c.type}`).join(' and ')
  const arrays = columns.map((_, i) => `$${i + 1}::text[]`).join(', ')
  const names = columns.map((_, i) => `c${i}`).join(', ')
  const query = `select row(${names})::text as key from unnest(${arrays}) k (${names})
    where exists (select from ${qualified(end.schema, table.name)} r where ${match})`
  const parameters = columns.map((_, i) => arrayOfTexts(keys, i))
  return (await end.pool.query(query, parameters)).rows.map((row: { key: string }) => row.key)
}

/** Reads a list of texts that a query of the plan makes, however long it is. */
import type { SqlEnd } from '../end.ts'
import { beginReading } from './search-path.ts'
import { textBatches } from './text-batches.ts'

/** `query`: of one column without nulls. Pages have at most so many texts. */
export async function* readList(
  source: SqlEnd,
  query: string,
  size: number,
): AsyncGenerator<string[], void, undefined> {
  const client = await source.pool.connect()
  let isWhole = false
  try {
    await client.query(beginReading(source, { holdsPlanSql: true }))
    for await (const rows of textBatches(client, query, { size, firstRows: size })) {
      yield rows.map(([text]) => text ?? '')
    }
    await client.query('commit')
    isWhole = true
  } finally {
    // A cursor that is not at its end makes the connection unusable.
    client.release(!isWhole)
  }
}

/** Reads a list of texts that a query of the plan makes, however long it is. */
import type { SqlEnd } from '../end.ts'
import { beginReading } from './search-path.ts'
import { TextCursor } from './text-batches.ts'

/** A process that stands still between two pages keeps no lock at the source for longer. */
const endsIfIdle = `set local idle_in_transaction_session_timeout = '60s'`

/** `query`: of one column without nulls. All pages but the last have so many texts. */
export async function* readList(
  source: SqlEnd,
  query: string,
  size: number,
): AsyncGenerator<string[], void, undefined> {
  const client = await source.pool.connect()
  let isWhole = false
  try {
    await client.query(`${beginReading(source, { holdsPlanSql: true })}; ${endsIfIdle}`)
    const cursor = new TextCursor(client, query)
    for (let isOver = false; !isOver; ) {
      const rows = await cursor.read(size)
      if (rows.length > 0) yield rows.map(([text]) => text ?? '')
      isOver = rows.length < size
    }
    await cursor.close()
    await client.query('commit')
    isWhole = true
  } finally {
    // A cursor that is not at its end makes the connection unusable.
    client.release(!isWhole)
  }
}

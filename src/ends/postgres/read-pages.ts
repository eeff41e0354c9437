/** Pages of a query's rows, and where the next one begins after the last row of each. */
import { withClient } from '../../postgres.ts'
import type { SqlEnd } from '../end.ts'
import type { Texts } from '../tenant-rows.ts'
import { pageWeightMax, ReadingPace, weightOf } from '../weight.ts'
import { beginReading } from './search-path.ts'
import { TextCursor } from './text-batches.ts'

export interface PagedQuery {
  readonly text: string
  readonly values: readonly unknown[]
  /** Leading columns that are the row; those behind them tell where to go on. */
  readonly width: number
  readonly limit: number
  readonly holdsPlanSql: boolean
}

export interface TextPage {
  readonly rows: readonly Texts[]
  /** The values of the last row's cursor; null: nothing follows. */
  readonly last: Texts | null
}

/** A page may have fewer rows than were asked for, where these are large. */
export async function readTextPage(end: SqlEnd, query: PagedQuery): Promise<TextPage> {
  const { text, values, width, limit } = query
  return await withClient(end.pool, async (client) => {
    await client.query(beginReading(end, query))
    const cursor = new TextCursor(client, text, values)
    const rows: Texts[] = []
    const pace = new ReadingPace()
    let weight = 0
    let last: Texts | null = null
    let more = true
    while (more && rows.length < limit && weight < pageWeightMax) {
      const step = Math.min(pace.next(weight), limit - rows.length)
      const some = await cursor.read(step)
      for (const row of some) {
        rows.push(row.slice(0, width))
        weight += weightOf(row)
      }
      pace.add(some)
      last = some.at(-1) ?? last
      more = some.length === step
    }
    await cursor.close()
    await client.query('commit')
    return { rows, last: more && last ? last.slice(width) : null }
  })
}

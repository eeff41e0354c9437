/** Pages of a query's rows, and what the last row of each says of the next one. */
import Cursor from 'pg-cursor'
import { withClient } from '../../postgres.ts'
import type { Texts } from '../tenant-rows.ts'
import type { SqlEnd } from './end.ts'
import { asText } from './text-batches.ts'

export interface PagedQuery {
  readonly text: string
  readonly values: readonly unknown[]
  /** Leading columns that are the row; those behind them tell where to go on. */
  readonly width: number
  readonly limit: number
}

export interface TextPage {
  readonly rows: readonly Texts[]
  /** Of the last row, what stands behind it; null: nothing follows. */
  readonly last: Texts | null
}

/** A page may have fewer rows than were asked for, where these are large. */
const pageCharacters = 4 * 1024 * 1024
const stepRowsMax = 250

export async function readTextPage(end: SqlEnd, query: PagedQuery): Promise<TextPage> {
  const { text, values, width, limit } = query
  return await withClient(end.pool, async (client) => {
    await client.query('begin read only')
    const asTexts = { rowMode: 'array', types: asText } as const
    const cursor = client.query(new Cursor(text, [...values], asTexts))
    const rows: Texts[] = []
    let characters = 0
    let last: Texts | null = null
    let more = true
    while (more && rows.length < limit && characters < pageCharacters) {
      const step = Math.min(stepOf(rows.length, characters), limit - rows.length)
      const some: Texts[] = await cursor.read(step)
      for (const row of some) {
        rows.push(row.slice(0, width))
        characters += charactersOf(row)
      }
      last = some.at(-1) ?? last
      more = some.length === step
    }
    await cursor.close()
    await client.query('commit')
    return { rows, last: more && last ? last.slice(width) : null }
  })
}

function charactersOf(row: Texts): number {
  let characters = 0
  for (const text of row) characters += text === null ? 5 : text.length + 3
  return characters
}

/** No more at once than fit, as far as the rows before tell. */
function stepOf(rows: number, characters: number): number {
  if (rows === 0) return 16
  const each = Math.max(1, characters / rows)
  return Math.max(1, Math.min(stepRowsMax, Math.floor((pageCharacters - characters) / each)))
}

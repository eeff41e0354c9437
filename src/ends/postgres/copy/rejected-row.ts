/** Which row the target has rejected: COPY tells its number, and what was sent has its key. */
import pg from 'pg'
import { messageOf, RehomeError } from '../../../errors.ts'
import type { CatalogTable } from '../../../plan/catalogs/catalog.ts'
import { toRehomeError } from '../../../postgres.ts'
import type { SentRows } from '../../../values/sent-rows.ts'

/** ROW_REJECTED with table, key and column, as far as they are known; other errors as they are. */
export function nameRejectedRow(error: unknown, table: CatalogTable, sent: SentRows): unknown {
  const explained = toRehomeError(error, `copying to "${table.name}"`)
  if (explained.code !== 'ROW_REJECTED' || !(error instanceof pg.DatabaseError)) return error
  const { line, column } = placeOf(error, table.name)
  const key = line === null ? null : keyOf(table, sent, line)
  const named = key ? ` · the row with (${key.columns.join(', ')}) = (${key.texts.join(', ')})` : ''
  return new RehomeError('ROW_REJECTED', `${explained.message}${named}`, {
    cause: error,
    data: {
      ...explained.data,
      table: table.name,
      ...(key && { key: key.texts }),
      ...(column && { column }),
    },
  })
}

interface Place {
  readonly line: number | null
  readonly column: string | undefined
}

/** From `COPY notes, line 7, column body: "…"`, in whichever language the server speaks. */
function placeOf({ where = '', column }: pg.DatabaseError, table: string): Place {
  const prefix = `COPY ${table}, `
  const context = where.split('\n').find((text) => text.startsWith(prefix))
  const place = /^\D*(\d+)(?:, \S+ ([^:]*))?/.exec(context?.slice(prefix.length) ?? '')
  return { line: place ? Number(place[1]) : null, column: column ?? place?.[2] }
}

/** null: the table has none that was sent, or the row was already released. */
function keyOf(table: CatalogTable, sent: SentRows, line: number) {
  const unique = table.uniques.find(({ primary }) => primary) ?? table.uniques[0]
  const row = sent.row(line, table)
  const columns = unique?.columns.filter((name) => row?.has(name)) ?? []
  if (!row || columns.length === 0) return null
  return { columns, texts: columns.map((name) => row.get(name) ?? 'null').map(messageOf) }
}

/** A page of a tenant's rows, in the order of the table's key, by what comes after its last key. */
import Cursor from 'pg-cursor'
import { z } from 'zod'
import { joinLines } from '../endpoints/http/lines.ts'
import type { readOperation } from '../endpoints/http/protocol/rows.ts'
import type { SqlEnd } from '../endpoints/sql/end.ts'
import { fromTenant } from '../endpoints/sql/predicate.ts'
import type { Texts } from '../endpoints/tenant-rows.ts'
import { RehomeError } from '../errors.ts'
import type { Route } from '../plan/route.ts'
import { withClient } from '../postgres.ts'
import { ident } from '../quote.ts'
import { columnOf } from './tables.ts'

export type ReadRequest = z.output<typeof readOperation.request>

/** A page may have fewer rows than were asked for, where these are large. */
const pageBytes = 4 * 1024 * 1024
const stepRowsMax = 250

/** As lines of JSON. */
export async function readPage(end: SqlEnd, route: Route, request: ReadRequest): Promise<string> {
  const { columns, limit } = request
  const query = queryOf(end, route, request)
  const keyed = route.sourceKey.length
  return await withClient(end.pool, async (client) => {
    await client.query('begin read only')
    const cursor = client.query(new Cursor(query.text, query.values, asTexts))
    const lines: string[] = []
    let bytes = 0
    let last: Texts | null = null
    let more = true
    while (more && lines.length < limit && bytes < pageBytes) {
      const step = Math.min(stepOf(lines.length, bytes), limit - lines.length)
      const rows: Texts[] = await cursor.read(step)
      for (const row of rows) {
        const line = JSON.stringify(row.slice(0, columns.length))
        lines.push(line)
        bytes += line.length
      }
      last = rows.at(-1) ?? last
      more = rows.length === step
    }
    await cursor.close()
    await client.query('commit')
    const key = more && last ? last.slice(-keyed) : null
    return joinLines([...lines, JSON.stringify({ next: key && encodeCursor(key) })])
  })
}

/** No more at once than fit, as far as the rows before tell. */
function stepOf(rows: number, bytes: number): number {
  if (rows === 0) return 16
  return Math.max(1, Math.min(stepRowsMax, Math.floor((pageBytes - bytes) / (bytes / rows))))
}

const asTexts = {
  rowMode: 'array',
  types: { getTypeParser: () => (text: string) => text },
} as const

function queryOf(end: SqlEnd, route: Route, request: ReadRequest) {
  const { source: table, sourcePath: path, sourceKey } = route
  const { scope, tenant, columns, cursor } = request
  const key = sourceKey.map((name) => `r.${ident(name)}`)
  const values = columns.map(({ column, cast }) => {
    const value = `r.${ident(columnOf(table, column).name)}`
    return cast === null ? value : `${value}::${cast}`
  })
  const after = cursor === null ? null : decodeCursor(cursor, key.length)
  const types = sourceKey.map((name, i) => `$${i + 1}::${columnOf(table, name).typeSql}`)
  const begin = after ? ` and (${key.join(', ')}) > (${types.join(', ')})` : ''
  const selected = [...values, ...key].join(', ')
  const from = fromTenant(end.schema, { scope, tenant, table, path })
  const text = `select ${selected} from ${from}${begin} order by ${key.join(', ')}`
  return { text, values: after ?? [] }
}

function encodeCursor(key: Texts): string {
  return Buffer.from(JSON.stringify(key)).toString('base64url')
}

const keyTexts = z.array(z.string())

/** Throws USAGE for what this end has never given. */
function decodeCursor(cursor: string, length: number): string[] {
  try {
    const key = keyTexts.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString()))
    if (key.length === length) return key
  } catch {
    // Told below.
  }
  throw new RehomeError('USAGE', 'the cursor is none of this end')
}

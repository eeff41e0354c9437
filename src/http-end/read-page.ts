/** A page of a tenant's rows, in the order of the table's key, by what comes after its last key. */
import type { z } from 'zod'
import type { SqlEnd } from '../ends/end.ts'
import { joinLines } from '../ends/http/lines.ts'
import type { readOperation } from '../ends/http/protocol/row-operations.ts'
import { decodeCursor, encodeCursor } from '../ends/postgres/changes/feed-changes.ts'
import { isAfter } from '../ends/postgres/matching.ts'
import { fromTenant, typedText } from '../ends/postgres/predicate.ts'
import { type PagedQuery, readTextPage } from '../ends/postgres/read-pages.ts'
import type { Route } from '../plan/routing/route.ts'
import { ident } from '../quote.ts'
import { columnOf, keysOf } from './tables.ts'

export type ReadRequest = z.output<typeof readOperation.request>

/** A page as lines of JSON. */
export async function readPage(end: SqlEnd, route: Route, request: ReadRequest): Promise<string> {
  const { rows, last } = await readTextPage(end, queryOf(end, route, request))
  const lines = rows.map((row) => JSON.stringify(row))
  return joinLines([...lines, JSON.stringify({ next: last && encodeCursor(last) })])
}

function queryOf(end: SqlEnd, route: Route, request: ReadRequest): PagedQuery {
  const { source: table, sourcePath: path, sourceKey } = route
  const { scope, tenant, columns, cursor, keys } = request
  const key = sourceKey.map((name) => `r.${ident(name)}`)
  const values = columns.map(({ column, cast }) => {
    const value = `r.${ident(columnOf(table, column).name)}`
    return cast === null ? value : `${value}::${cast}`
  })
  const after = cursor === null ? null : decodeCursor(cursor, key.length)
  const value = (name: string, i: number) => typedText(table, name, `$${i + 1}`)
  const own = { alias: 'r', columns: sourceKey }
  const begin = after ? ` and ${isAfter(table, own, value)}` : ''
  const selected = [...values, ...key].join(', ')
  const from = fromTenant(end.schema, { scope, tenant, table, path, keys: keysOf(table, keys) })
  const text = `select ${selected} from ${from}${begin} order by ${key.join(', ')}`
  return {
    text,
    values: after ?? [],
    width: columns.length,
    limit: request.limit,
    holdsPlanSql: false,
  }
}

/** Handlers of the operations on changes: this end's own log, and the changes that it receives. */

import type { z } from 'zod'
import type { Applied, Feed } from '../ends/feed.ts'
import { joinLines, readRow, splitLines } from '../ends/http/lines.ts'
import type { feedOperations } from '../ends/http/protocol/feed-operations.ts'
import { applyHead, type changesOperation } from '../ends/http/protocol/feed-operations.ts'
import { type FeedAt, feedAt, pageOfChanges } from '../ends/postgres/changes/feed-at.ts'
import { RehomeError } from '../errors.ts'
import { ident } from '../quote.ts'
import { checked } from './requests.ts'
import type { At, HandlersOf } from './row-handlers.ts'
import { columnOf, keysOf, routeOf } from './tables.ts'

function placeOf({ end, scope, routes, catalog }: At): FeedAt {
  const tables = routes.map(({ source, sourcePath, sourceKey }) => {
    return { table: source, path: sourcePath, key: sourceKey }
  })
  return { end, scope, tables, catalog }
}

function feed(at: At): Feed {
  return feedAt(placeOf(at))
}

export const feedHandlers: HandlersOf<keyof typeof feedOperations> = {
  position: (at, key) => feed(at).position(key),
  async waitForWriters(at, { tenant, drainMs }) {
    const signal = AbortSignal.timeout(drainMs + 5_000)
    return { waitedMs: await feed(at).waitForWriters({ tenant, drainMs, signal }) }
  },
  async countChanges(at, since) {
    const counts = [...(await feed(at).countChanges(since))]
    return counts.map(([table, changes]) => ({ table, changes }))
  },
  async forgetChanges(at, hold) {
    await feed(at).forgetChanges(hold)
    return null
  },
  readCheckpoint: (at, key) => feed(at).readCheckpoint(key),
  async writeCheckpoint(at, { position, fingerprint, lacking, step, ...hold }) {
    await feed(at).writeCheckpoint(hold, { position, fingerprint, lacking, step })
    return null
  },
  async forgetCheckpoint(at, hold) {
    await feed(at).forgetCheckpoint(hold)
    return null
  },
  async brokenByLeaving(at, { table, keys }) {
    const { source } = routeOf(at.routes, table)
    keysOf(source, keys)
    return [...(await feed(at).brokenByLeaving(table, keys))]
  },
}

/** The answer as lines of JSON. */
export async function answerChanges(
  at: At,
  request: z.output<typeof changesOperation.request>,
): Promise<string> {
  const { source } = routeOf(at.routes, request.table)
  const columns = request.columns.map(({ column, cast }) => {
    const { name, typeName } = columnOf(source, column)
    const value = `r.${ident(name)}`
    const expression = cast === null ? value : `${value}::${cast}`
    return { name, from: name, expression, typeName, castTo: null }
  })
  const { kind, cursor, limit } = request
  const { rows, next } = await pageOfChanges(placeOf(at), request, { kind, columns, cursor, limit })
  const lines = rows.map(({ texts, children }) => JSON.stringify([...texts, children ? 't' : 'f']))
  return joinLines([...lines, JSON.stringify({ next })])
}

/** One step, in lines: its head, keys, keys of parents, rows. */
export async function applyLines(at: At, body: string): Promise<Applied> {
  const [first = '', ...lines] = splitLines(body)
  const { removes, parents, parentColumns, ...head } = checked(applyHead, first, at.scope)
  const { source } = routeOf(at.routes, head.table)
  for (const name of [...head.key, ...parentColumns, ...head.columns, ...head.keep]) {
    columnOf(source, name)
  }
  if (lines.length < removes + parents) {
    throw new RehomeError('USAGE', 'the step has fewer lines than its head states')
  }
  const read = (some: readonly string[], columns: readonly string[]) =>
    some.map((line) => readRow(line, { columns: columns.length, where: 'the request' }))
  const [keys, rows] = [lines.slice(0, removes), lines.slice(removes + parents)]
  return await feed(at).apply({
    ...head,
    remove: read(keys, head.key),
    parents: {
      columns: parentColumns,
      values: read(lines.slice(removes, removes + parents), parentColumns),
    },
    rows: read(rows, head.columns),
  })
}

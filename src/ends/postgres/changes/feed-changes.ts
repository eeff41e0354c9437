/**
 * Pages of changes since a position, with nothing more than the request: `now` follows the table's
 * key, `before` the order of entries in the log.
 *
 * All pages read the log as it was at the first one, whose snapshot the cursor holds: a look comes
 * to its end however quickly the tenant writes. Rows themselves are read as they are by then. What
 * commits after the first page is in the log after every position that was taken before it, and so
 * comes with a later round.
 */
import { z } from 'zod'
import { RehomeError } from '../../../errors.ts'
import type { ColumnRoute } from '../../../plan/routing/columns.ts'
import { ident, literal, qualified } from '../../../quote.ts'
import type { SqlEnd } from '../../end.ts'
import type { ChangedRow, ChangesAsked } from '../../feed.ts'
import type { Texts } from '../../tenant-rows.ts'
import { selectColumns } from '../copy/copy-table.ts'
import { isAfter } from '../matching.ts'
import { typedText } from '../predicate.ts'
import { type PagedQuery, readTextPage } from '../read-pages.ts'
import { holdPlanSql } from '../search-path.ts'
import { logTableOf } from './change-log.ts'
import {
  type ChangedTable,
  type Changes,
  changedForChildren,
  changedOfTenant,
  logged,
} from './changes.ts'

export interface ChangesPage {
  readonly rows: readonly ChangedRow[]
  readonly next: string | null
}

export interface PageAsked extends Pick<ChangesAsked, 'kind'> {
  readonly columns: readonly ColumnRoute[]
  readonly cursor: string | null
  readonly limit: number
}

/** Throws USAGE for an unknown cursor, UNREACHABLE where the pages have to begin anew. */
export async function changesPage(
  end: SqlEnd,
  { changes, table }: { readonly changes: Changes; readonly table: ChangedTable },
  page: PageAsked,
): Promise<ChangesPage> {
  const file = page.kind === 'before' ? await fileOf(end, table) : ''
  const query = page.kind === 'now' ? nowQuery(changes, table, page) : null
  const paged = query ?? beforeQuery(changes, table, { ...page, file })
  const { rows, last } = await readTextPage(end, paged)
  const width = page.columns.length
  return {
    rows: rows.map((row) => ({ texts: row.slice(0, width), children: row[width] === 't' })),
    next: last && encodeCursor([file, ...last]),
  }
}

function nowQuery(changes: Changes, table: ChangedTable, page: PageAsked): PagedQuery {
  const { route, log, childKey } = table
  const key = route.sourceKey.map((name) => `r.${ident(name)}`)
  const value = (name: string, i: number) => typedText(route.source, name, `$${i + 1}`)
  const own = { alias: 'r', columns: route.sourceKey }
  const [, until, ...after] = page.cursor ? cursorOfChanges(page.cursor, 2 + key.length) : []
  const begin = until ? ` and ${isAfter(route.source, own, value)}` : ''
  const bounded = { ...changes, ...(until && { until }) }
  // A null key identifies no row.
  const children =
    childKey.source.length > 0 ? `coalesce(${changedForChildren(bounded, table)}, false)` : 'false'
  const selected = [...valuesOf(page), children, untilOf(bounded), ...key].join(', ')
  return {
    text: `select ${selected} from ${qualified(log.schema, route.source.name)} r
      where ${changedOfTenant(bounded, table)}${begin} order by ${key.join(', ')}`,
    values: after,
    width: page.columns.length + 1,
    limit: page.limit,
    holdsPlanSql: holdPlanSql(page.columns),
  }
}

/** Entries are never changed: where one stands is its own, unless the log is written anew. */
function beforeQuery(
  changes: Changes,
  table: ChangedTable,
  page: PageAsked & { readonly file: string },
): PagedQuery {
  const { route, log } = table
  const [file, until, ...after] = page.cursor ? cursorOfChanges(page.cursor, 4) : []
  if (until && file !== page.file) {
    const message = `the log of "${route.source.name}" was written anew while it was read`
    throw new RehomeError('UNREACHABLE', message)
  }
  const begin = until ? ' and (l.rehome_xid, l.ctid) > ($1::xid8, $2::tid)' : ''
  const bounded = { ...changes, ...(until && { until }) }
  const entries = `select l.rehome_row as rehome_old, l.rehome_children or ${changes.everyChild === true}
      as rehome_children, l.rehome_xid, l.ctid as rehome_at
    ${logged(bounded, table)} and l.rehome_row is not null${begin}`
  const old = `null::${qualified(log.schema, route.source.name)}, o.rehome_old`
  const at = [untilOf(bounded), 'o.rehome_xid', 'o.rehome_at']
  const selected = [...valuesOf(page), 'o.rehome_children', ...at]
  return {
    text: `select ${selected.join(', ')} from (${entries}) o, lateral pg_catalog.jsonb_populate_record(${old}) r
      order by o.rehome_xid, o.rehome_at`,
    values: after,
    width: page.columns.length + 1,
    limit: page.limit,
    holdsPlanSql: holdPlanSql(page.columns),
  }
}

/** The snapshot of the first page, which stands in the cursor of every other one. */
function untilOf({ until }: Changes): string {
  return until ? literal(until) : 'pg_catalog.pg_current_snapshot()'
}

function valuesOf({ columns }: Pick<PageAsked, 'columns'>): string[] {
  return columns.length > 0 ? [selectColumns({ columns })] : []
}

async function fileOf(end: SqlEnd, { log }: ChangedTable): Promise<string> {
  const query = `select pg_relation_filenode(${literal(logTableOf(log))}::regclass)::text as file`
  return (await end.pool.query(query)).rows[0].file
}

export function encodeCursor(key: Texts): string {
  return Buffer.from(JSON.stringify(key)).toString('base64url')
}

const keyTexts = z.array(z.string())

/** Throws USAGE for what this end has never given. */
export function decodeCursor(cursor: string, length: number): string[] {
  return textsOfCursor(cursor, length) ?? refuseCursor()
}

function cursorOfChanges(cursor: string, length: number): string[] {
  const texts = textsOfCursor(cursor, length)
  if (texts) return texts
  // Instances of two versions answer by turns while an application is rolled out.
  const message = 'the cursor was made by another version of this end: the pages begin anew'
  throw new RehomeError('UNREACHABLE', message)
}

/** null: of another length. Throws USAGE for what is no cursor. */
function textsOfCursor(cursor: string, length: number): string[] | null {
  try {
    const texts = keyTexts.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString()))
    return texts.length === length ? texts : null
  } catch {
    return refuseCursor()
  }
}

function refuseCursor(): never {
  throw new RehomeError('USAGE', 'the cursor does not belong to this end')
}

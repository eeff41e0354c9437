/** A database as an end of a move: what every end can, and what only a database can. */
import type { End, SqlEnd } from '../end.ts'
import { feedAt } from './changes/feed-at.ts'
import { sideIn } from './compare/comparison.ts'
import { closeSqlEnd } from './postgres-end.ts'
import { rowsAt } from './postgres-rows.ts'

export function endOf(sql: SqlEnd): End {
  const { name, place, flags } = sql
  return {
    name,
    place,
    flags,
    rows: rowsAt(sql),
    digests: { side: (compared) => sideIn(sql, compared) },
    feed: (of) => feedAt({ end: sql, ...of }),
    sql,
    close: () => closeSqlEnd(sql),
  }
}

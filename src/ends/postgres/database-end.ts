/** A database as an end of a move: what every end can, and what only a database can. */
import type { End, SqlEnd } from '../end.ts'
import { feedAt } from './changes/feed-at.ts'
import { digestsIn } from './compare/comparison.ts'
import { closeSqlEnd } from './postgres-end.ts'
import { rowsAt } from './postgres-rows.ts'
import { schemaPrints } from './schema-prints.ts'
import { schemaOfTenant } from './tenant-schemas.ts'

export function endOf(sql: SqlEnd): End {
  const { name, place, flags, schemaOf } = sql
  return {
    name,
    place,
    flags,
    rows: rowsAt(sql),
    digests: digestsIn(sql),
    feed: (of) => feedAt({ end: sql, ...of }),
    sql,
    ...(schemaOf && {
      schemas: {
        of: (tenant) => endOf(schemaOfTenant(sql, tenant)),
        prints: (tenants) => schemaPrints(sql, tenants),
      },
    }),
    close: () => closeSqlEnd(sql),
  }
}

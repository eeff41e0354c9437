/** A database as an end of a move: what every end can, and what only a database can. */
import type { End, SqlEnd } from '../end.ts'
import { feedAt } from './changes/feed-at.ts'
import { digestsIn } from './compare/comparison.ts'
import { loadMeterAt } from './load-meter.ts'
import { closeSqlEnd } from './postgres-end.ts'
import { rowsAt } from './postgres-rows.ts'
import { schemaPrints } from './schema-prints.ts'
import { schemaNames, schemaOfTenant } from './tenant-schemas.ts'

export function databaseEnd(sql: SqlEnd): End {
  const { name, place, flags, schemaOf } = sql
  const load = loadMeterAt(sql)
  const itself: End = {
    name,
    place,
    flags,
    rows: rowsAt(sql),
    digests: digestsIn(sql),
    feed: (of) => feedAt({ end: sql, ...of }),
    ...(load && { load }),
    sql,
    ...(schemaOf && {
      places: {
        of: (tenant) => databaseEnd(schemaOfTenant(sql, tenant)),
        placeOf: () => place,
        among(tenants) {
          schemaNames(sql, tenants)
          return [{ end: itself, tenants }]
        },
      },
      prints: (tenants: readonly string[]) => schemaPrints(sql, tenants),
    }),
    close: () => closeSqlEnd(sql),
  }
  return itself
}

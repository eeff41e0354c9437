/** Names in requests, looked up: nothing of a request gets into SQL but by these. */
import type { KeyList } from '../ends/tenant-rows.ts'
import { RehomeError } from '../errors.ts'
import type { CatalogColumn, CatalogTable } from '../plan/catalogs/catalog.ts'
import type { Route } from '../plan/routing/route.ts'

/** Throws USAGE. */
export function routeOf(routes: readonly Route[], table: string): Route {
  const route = routes.find(({ source }) => source.name === table)
  if (route) return route
  throw new RehomeError('USAGE', `there is no table "${table}" at this end`)
}

/** Throws USAGE. */
export function columnOf(table: CatalogTable, name: string): CatalogColumn {
  const column = table.columns.find((candidate) => candidate.name === name)
  if (column) return column
  throw new RehomeError('USAGE', `table "${table.name}" has no column "${name}"`)
}

/** Throws USAGE where a column is unknown, or a key has another number of values. */
export function keysOf(table: CatalogTable, keys: KeyList | undefined): KeyList | undefined {
  for (const name of keys?.columns ?? []) columnOf(table, name)
  const odd = keys?.values.find((texts) => texts.length !== keys.columns.length)
  if (!odd) return keys
  throw new RehomeError('USAGE', `a key has ${odd.length} values, not ${keys?.columns.length}`)
}

/** A sequence of one of the tables, as SQL calls it. Throws USAGE. */
export function sequenceOf(routes: readonly Route[], sequence: string): string {
  const exists = routes.some(({ source }) =>
    source.columns.some((c) => c.sequence === sequence || c.composes === sequence),
  )
  if (exists) return sequence
  throw new RehomeError('USAGE', `there is no sequence "${sequence}" at this end`)
}

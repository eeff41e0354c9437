/**
 * Tables that are copied in one commit: their rows are found through others of the same table, and
 * could not be removed without these. Where that is a request, it may be too large for the end.
 */
import { tenantRows } from '../attempt/planned-rows.ts'
import type { Shard } from '../attempt/shard.ts'
import { nothingRead, type Rows } from '../ends/rows.ts'
import type { Texts } from '../ends/tenant-rows.ts'
import { RehomeError } from '../errors.ts'
import { isRecursive } from '../plan/routing/path.ts'
import type { Route } from '../plan/routing/route.ts'

export function comesWhole({ targetPath }: Route, { takesWhole }: Rows): boolean {
  return takesWhole === true && isRecursive(targetPath)
}

/**
 * Throws PREFLIGHT_FAILED, by the number of rows and the width of the first ones, while the tenant
 * still works at the source.
 */
export async function refuseTooLarge(
  shard: Shard,
  rowsOf: ReadonlyMap<string, number>,
): Promise<void> {
  const { routes, target } = shard.survey
  const { maxBytes } = target
  if (maxBytes === undefined) return
  for (const route of routes) {
    // What a transform makes of the rows may be smaller.
    if (!comesWhole(route, shard.ends.target.rows) || route.transform || route.stream) continue
    const rows = rowsOf.get(route.source.name) ?? 0
    const width = widthOf(await firstRows(shard, route))
    if (rows * width <= maxBytes) continue
    const { place } = shard.ends.target
    const message = `table "${route.target.name}" has ${rows} rows of about ${Math.round(width)} bytes, which have to come together, and the target (${place}) takes ${maxBytes} bytes in one request: raise its \`maxBytes\``
    throw new RehomeError('PREFLIGHT_FAILED', message)
  }
}

async function firstRows(shard: Shard, route: Route): Promise<readonly Texts[]> {
  const reading = {
    ...tenantRows(shard, route, 'source'),
    key: route.sourceKey,
    columns: route.columns,
    after: nothingRead,
    signal: shard.signal,
  }
  for await (const { rows } of shard.ends.source.rows.pages(reading)) return rows
  return []
}

/** In bytes, as a line of a request. */
function widthOf(rows: readonly Texts[]): number {
  const bytes = rows.reduce((sum, row) => sum + Buffer.byteLength(JSON.stringify(row)) + 1, 0)
  return bytes / Math.max(1, rows.length)
}

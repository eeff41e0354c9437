/**
 * The disk space that tenants will take at the target: as much as their share of the source's
 * tables takes there, with indexes. PostgreSQL does not report free disk space.
 */
import type { Ends, PlanEnds } from '../../ends/end.ts'
import {
  databaseBytes,
  type TableSize,
  tableSizes,
} from '../../ends/postgres/catalog/table-sizes.ts'
import type { Finding } from '../../plan/catalogs/catalog.ts'
import type { EndTable } from '../../plan/routing/route.ts'

export interface Space {
  /** null: unknown, as the source is no database. */
  readonly neededBytes: number | null
  /** The target's database as it is; null: the target is none. */
  readonly databaseBytes: number | null
  /** The caller's figure; null: unknown. */
  readonly freeBytes: number | null
}

/** Tables of one schema, and the rows of them that are to move. */
export interface Room {
  add(table: string, rows: number): void
  neededBytes(): number | null
}

export async function roomAt({ source }: Ends, tables: readonly EndTable[]): Promise<Room> {
  const { sql } = source
  const planned = tables.map(({ table }) => table)
  const sizes = sql ? await tableSizes(sql, planned) : null
  const moving = new Map<string, number>()
  return {
    add: (table, rows) => void moving.set(table, (moving.get(table) ?? 0) + rows),
    neededBytes() {
      if (!sizes) return null
      return [...moving].reduce((sum, [table, rows]) => sum + shareOf(sizes.get(table), rows), 0)
    },
  }
}

/** The whole table where the server has not estimated its rows. */
function shareOf(size: TableSize | undefined, moving: number): number {
  if (!size || moving === 0) return 0
  return size.rows > 0 ? size.bytes * Math.min(1, moving / size.rows) : size.bytes
}

export async function spaceOf(
  { target }: PlanEnds,
  needs: readonly (number | null)[],
  free: number | undefined,
): Promise<Space> {
  const isKnown = needs.every((bytes) => bytes !== null)
  return {
    neededBytes: isKnown ? Math.round(needs.reduce((sum, bytes) => sum + bytes, 0)) : null,
    databaseBytes: target.sql ? await databaseBytes(target.sql) : null,
    freeBytes: free ?? null,
  }
}

export function spaceFindings({ neededBytes, freeBytes }: Space): Finding[] {
  if (neededBytes === null || freeBytes === null || neededBytes <= freeBytes) return []
  const message = `the tenants need about ${bytesText(neededBytes)}, and ${bytesText(freeBytes)} are free: enlarge its disk, or enqueue fewer tenants`
  return [{ where: 'target', message }]
}

const units = ['bytes', 'kB', 'MB', 'GB', 'TB', 'PB'] as const

/** `14.2 GB`. Units are powers of 1,000. */
export function bytesText(bytes: number): string {
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3))
  const digits = power === 0 ? 0 : 1
  return `${(bytes / 1000 ** power).toFixed(digits).replace(/\.0$/, '')} ${units[power]}`
}

/**
 * Rows for the scratch tenant, made of the read tenant's, in a table where they disturb no other
 * rows: every key has the tenant in it, and nothing refers to anything.
 */
import type { Texts } from '../src/ends/tenant-rows.ts'
import { Broken, Untried } from './point.ts'
import { type Attempt, attempt, claim } from './scratch.ts'
import type { BatchHead, Subject } from './subject.ts'
import { rowsOf, type Table, tablesWithRows } from './tables.ts'

export interface CopiedRows {
  readonly table: Table
  readonly columns: readonly string[]
  /** At least two, of different keys, at most ten. */
  readonly rows: readonly Texts[]
}

/** A table that an end may offer for the time of the test, so that all points are tried. */
export const scratchTable = `create table rehome_conformance (
  tenant_id text not null, id int not null, body text, primary key (tenant_id, id)
)`

const wanted = 10

/** Throws Untried where no table allows it. */
export async function copiedRows(end: Subject): Promise<CopiedRows> {
  const { scratch, tenant } = end
  for (const table of await tablesWithRows(end)) {
    const { path } = table
    if (path.kind !== 'column' || !fits(table, path.column)) continue
    const columns = table.columns.filter(({ generated }) => !generated).map(({ name }) => name)
    const rows = await rowsOf(end, { tenant, table, limit: 1_000, columns })
    if (rows.length < 2) continue
    const at = columns.indexOf(path.column)
    const emptied = new Set(table.foreignKeys.concat(table.outerKeys).flatMap((key) => key.columns))
    const copied = rows.slice(0, wanted).map((row) =>
      row.map((value, i) => {
        if (i === at) return scratch
        return emptied.has(columns[i] ?? '') ? null : value
      }),
    )
    return { table, columns, rows: copied }
  }
  const why = 'whose keys all have its tenant column in them, and that refers to nothing by it'
  throw new Untried(`"${tenant}" has no two rows in a table ${why}`)
}

/** References to other rows are left out, so they may not be what rows cannot be without. */
function fits(table: Table, tenantColumn: string): boolean {
  const needed = new Set([
    tenantColumn,
    ...table.columns.filter(({ notNull }) => notNull).map(({ name }) => name),
  ])
  const refers = [...table.foreignKeys, ...table.outerKeys]
  return (
    table.uniques.every(({ columns }) => columns.includes(tenantColumn)) &&
    table.uniques.every(({ columns }) => columns.length > 1) &&
    refers.every(({ columns }) => columns.every((column) => !needed.has(column))) &&
    table.privileges.includes('INSERT') &&
    table.privileges.includes('DELETE')
  )
}

export interface Receiving extends CopiedRows {
  readonly by: Attempt
}

/** The scratch tenant's end is claimed, and may be written. */
export async function receiving(end: Subject): Promise<Receiving> {
  const copied = await copiedRows(end)
  const by = await attempt(end)
  const claimed = await claim(end, by)
  if (!claimed) throw new Broken('claimTarget: another flag is there')
  await end.ask('forgetProgress', by.hold)
  return { ...copied, by }
}

export const nothing = { rowsRead: 0, rowsWritten: 0, done: false, cursor: null }

/** The batch of these rows, from so many on. */
export function batchOf(
  { table, columns, by }: Receiving,
  rows: readonly Texts[],
  from: BatchHead['from'] = nothing,
): BatchHead {
  const progress = {
    rowsRead: from.rowsRead + rows.length,
    rowsWritten: from.rowsWritten + rows.length,
    done: false,
    cursor: null,
  }
  const { hold, epoch } = by
  const of = { ...hold, epoch, table: table.name, columns: [...columns], replicate: false }
  return { ...of, from, progress, leavesOut: false, quarantined: [] }
}

export async function countOf(end: Subject, { table }: Pick<CopiedRows, 'table'>): Promise<number> {
  return await end.ask('count', { scope: end.scope, tenant: end.scratch, table: table.name })
}

// A tenant's rows as the contract suites name them, write them, and find them again.

import type { Hold } from '../../../src/ends/flags.ts'
import type { Reading, Rows, Writing } from '../../../src/ends/rows.ts'
import { nothingRead, type TableProgress } from '../../../src/ends/rows.ts'
import type { TenantRows, Texts } from '../../../src/ends/tenant-rows.ts'
import type { Catalog, CatalogTable } from '../../../src/plan/catalogs/catalog.ts'
import { asItIs } from '../../../src/plan/routing/columns.ts'
import type { TenantPath } from '../../../src/plan/routing/path.ts'
import { toRehomeError } from '../../../src/postgres.ts'
import { begin, claimOf, holdOf, newActor } from './flag-states.ts'
import type { TestEnd } from './kinds.ts'
import { endTables } from './schema.ts'

export const scope = 'default'

export type TableName = 'entries' | 'marks' | 'lines' | 'visits' | 'bills'

const account: TenantPath = { kind: 'column', column: 'account' }
const paths: Record<TableName, TenantPath> = {
  entries: account,
  marks: account,
  lines: {
    kind: 'through',
    columns: ['entry_id'],
    parent: 'entries',
    parentColumns: ['id'],
    deferrable: false,
    path: account,
  },
  visits: account,
  bills: account,
}

const keys: Record<TableName, readonly string[]> = {
  entries: ['id'],
  marks: ['entry_id', 'mark'],
  lines: ['entry_id', 'line'],
  visits: ['account', 'day'],
  bills: ['id'],
}

/** An end, and what it says of its tables. */
export interface At {
  readonly rows: Rows
  readonly catalog: Catalog
}

export async function lookAt(end: TestEnd): Promise<At> {
  const rows = end.end.rows
  return { rows, catalog: await rows.describe(endTables) }
}

export function tableAt({ catalog }: At, name: TableName): CatalogTable {
  const table = catalog.tables.get(name)
  if (!table) throw new Error(`there is no table "${name}"`)
  return table
}

export const endTable = (at: At, name: TableName) => ({
  table: tableAt(at, name),
  path: paths[name],
})
export const keyOf = (name: TableName) => keys[name]

export function rowsIn(at: At, name: TableName, tenant: string): TenantRows {
  return { scope, tenant, ...endTable(at, name) }
}

/** Parameters of a page: columns, beginning, end. */
export interface Asked extends Partial<Pick<Reading, 'after' | 'signal' | 'keys'>> {
  readonly columns?: readonly string[]
}

export function readingOf(of: TenantRows, asked: Asked = {}): Reading {
  const { columns: names, ...rest } = asked
  const columns = of.table.columns
    .filter(({ name }) => names?.includes(name) ?? true)
    .map((column) => asItIs(column))
  const key = keys[of.table.name as TableName] ?? []
  const signal = new AbortController().signal
  return { ...of, key, columns, after: { rowsRead: 0, cursor: null }, signal, ...rest }
}

export async function readAll({ rows }: At, reading: Reading): Promise<Texts[]> {
  const all: Texts[] = []
  for await (const page of rows.pages(reading)) all.push(...page.rows)
  return all
}

/** An attempt that has the tenant's turn, at an end that is closed for it to move in. */
export async function receiving(end: TestEnd, tenant: string) {
  const actor = await begin(end.beside, newActor(tenant))
  await end.end.flags.claimTarget(claimOf(actor))
  return { ...holdOf(actor), epoch: actor.epoch }
}

export type CheckpointHold = Hold & { readonly epoch: string }

export function writingOf(
  { at, name, ...change }: { at: At; name: TableName } & Partial<Writing>,
  hold: CheckpointHold,
) {
  return { hold, table: tableAt(at, name), replicate: false, from: nothingRead, ...change }
}

export const counted = (rows: number, change: Partial<TableProgress> = {}): TableProgress => {
  return { rowsRead: rows, rowsWritten: rows, done: false, cursor: null, ...change }
}

/** One batch, committed. */
export async function writeBatch(
  at: At,
  writing: Writing,
  batch: { columns: readonly string[]; rows: readonly Texts[]; progress?: TableProgress },
): Promise<void> {
  const progress = batch.progress ?? counted(writing.from.rowsRead + batch.rows.length)
  await at.rows.write(writing, async (writer) => {
    await writer.write(batch.rows, batch.columns)
    await writer.commit(progress)
  })
}

/** The code of an error, whichever kind of end has made it. */
export async function codeOf(work: Promise<unknown>): Promise<string> {
  return await work.then(
    () => 'nothing was thrown',
    (error: unknown) => toRehomeError(error, 'the end').code,
  )
}

/**
 * A tenant's rows at one end: all that a move asks of them, whatever the end is. Values pass as
 * PostgreSQL's texts, so that nothing is rounded on the way.
 */

import type { Catalog, CatalogTable } from '../plan/catalogs/catalog.ts'
import type { TablePlan } from '../plan/plan.ts'
import type { ColumnRoute } from '../plan/routing/columns.ts'
import type { TenantPath } from '../plan/routing/path.ts'
import type { EndTable } from '../plan/routing/route.ts'
import type { StreamPlan } from '../plan/stream.ts'
import type { Buckets, Digest, HashFunction } from './digest.ts'
import type { Flag, FlagKey, Hold } from './flags.ts'
import type { BrokenReference, Strays, TenantRows, Texts } from './tenant-rows.ts'

export interface DrainOptions {
  /** `*`: all of them. */
  readonly tenant: string
  /** Total wait, in ms. */
  readonly drainMs: number
  /** The most references that stand between a row and its tenant. Absent: there is no limit. */
  readonly referencesMax?: number
  readonly signal: AbortSignal
}

export interface WipeGroup {
  readonly tables: readonly EndTable[]
  /** Their rows point at each other, so that they can only go together. */
  readonly atOnce: boolean
}

export interface WipeOptions {
  /** The only mode in which rows may be removed here. */
  readonly mode: Extract<Flag['mode'], 'receiving' | 'moved'>
  /** Foreign keys, triggers and rules are off, as they are while rows are copied. */
  readonly replicate: boolean
  /** Rows a batch. Default 5,000. */
  readonly batchRows?: number
  readonly signal: AbortSignal
  readonly onBatch?: (rows: number) => Promise<void> | void
}

export interface IdSpace extends FlagKey {
  readonly runId: string
  readonly space: string
  /** SQL that makes a new id. */
  readonly by: string
}

export interface TableProgress {
  /** Rows read at the source, in key order; a resumed copy skips as many. */
  readonly rowsRead: number
  readonly rowsWritten: number
  readonly done: boolean
  /** Where the source goes on, if it is an end that does not count rows. */
  readonly cursor: string | null
}

export const nothingRead: TableProgress = {
  rowsRead: 0,
  rowsWritten: 0,
  done: false,
  cursor: null,
}

/** A row that is not good enough to go, and may stay behind. */
export interface Quarantined {
  /** The key of the source's row, as PostgreSQL writes a row. */
  readonly key: string
  readonly message: string
  /** Column → text, of the source's row. */
  readonly row: Readonly<Record<string, string | null>>
}

export interface Reading extends TenantRows {
  /** Read in the order of these columns. */
  readonly key: readonly string[]
  readonly columns: readonly ColumnRoute[]
  /** The progress so far. */
  readonly after: Pick<TableProgress, 'rowsRead' | 'cursor'>
  readonly signal: AbortSignal
}

export interface Page {
  readonly rows: readonly Texts[]
  /** Where to go on after it, for ends that do not count; null after the last page. */
  readonly cursor: string | null
  /** The next reader counts these rows off. */
  readonly counted: boolean
}

/** A value of a row, and as what it is compared. */
export interface ComparedColumn {
  /** Over `r`. */
  readonly sql: string
  /** The column that it is; null: an expression of the plan. */
  readonly from: string | null
  /** The target's type with its schema: rows of both ends are compared as what is there. */
  readonly typeSql: string
  /** That type with its length or precision, where the value has another. */
  readonly cast: string | null
}

export interface Compared {
  /** Rows at the end; or given rows, whose values are the columns' in their order. */
  readonly of: TenantRows | { readonly table: CatalogTable; readonly given: readonly Texts[] }
  readonly key: readonly ComparedColumn[]
  readonly columns: readonly ComparedColumn[]
  readonly hash: HashFunction
}

/** One side of a comparison. */
export interface Side {
  digest(): Promise<Digest>
  buckets(): Promise<Buckets>
  /** Key → hash of the rows in some buckets. */
  hashes(some: readonly number[]): Promise<Map<string, string>>
}

export interface Writing {
  readonly hold: Hold & { readonly epoch: string }
  readonly table: CatalogTable
  /** Foreign keys and triggers are off. */
  readonly replicate: boolean
  readonly from: TableProgress
  /** The bytes of a request that the end takes, where it is asked by such. */
  readonly maxBytes?: number | undefined
  /**
   * Rows that collide with others, or come before their parents, are left out, and `tell` is called
   * when there may be some. Absent: they are errors.
   */
  readonly leavingOut?: { readonly path: TenantPath; readonly tell: () => void } | undefined
}

/** Rows are there once they are committed, with the progress that counts them. */
export interface Writer {
  /** So much waits for a commit that it had better come. */
  isFull(): boolean
  write(rows: readonly Texts[], columns: readonly string[]): Promise<void>
  /** Rows that stay behind are kept with those that do not. */
  commit(progress: TableProgress, quarantined?: readonly Quarantined[]): Promise<void>
}

export interface Keys {
  readonly table: CatalogTable
  readonly key: readonly string[]
  readonly keys: readonly Texts[]
  /** SQL over `r`: only these rows. Only where the end is a database of ours. */
  readonly when?: string | undefined
}

export interface Answer {
  readonly columns: readonly string[]
  readonly rows: readonly Texts[]
}

export interface StayedBehind {
  readonly table: string
  readonly key: string
  readonly message: string
}

export interface Known {
  readonly tenant: string
  readonly hasRows: boolean
}

/** A column of the tenant's rows whose ids a sequence gives. */
export interface IdUse {
  readonly rows: TenantRows
  readonly column: string
  /** They are given in falling order: the smallest one is the last. */
  readonly descending: boolean
}

/** A sequence, and an id that it has to pass. */
export interface Reached {
  readonly sequence: string
  readonly id: bigint
}

export interface StraysOf extends FlagKey {
  /** All tables that the tenant's rows are in. */
  readonly tables: readonly EndTable[]
}

export interface Digests {
  side(compared: Compared): Side
  /** Digests of rows that the end has. In one call where it can. */
  digests(all: readonly Compared[]): Promise<readonly Digest[]>
}

/** How rows of everybody are brought to a table. */
export interface Settling {
  readonly table: CatalogTable
  /** Columns by which rows are found. */
  readonly key: readonly string[]
  /** The columns that are brought. */
  readonly columns: readonly string[]
  /** Those that have to be equal. */
  readonly compared: readonly string[]
  readonly inserts: boolean
  readonly updates: boolean
  /** Foreign keys are off: references of the rows are checked by us. */
  readonly replicate: boolean
  /** Tables whose rows are not looked for, as those that came were taken back. */
  readonly takenBack?: readonly string[] | undefined
}

/** Rows of everybody that come in one transaction. `takenBack`: which is undone at its end. */
export interface SharedBatch extends Settling {
  readonly rows: readonly Texts[]
}

export interface SharedRow {
  readonly key: string
  /** Those that differ. */
  readonly columns: readonly string[]
}

export interface SettledRows {
  readonly inserted: number
  readonly updated: number
  /** Keys of rows that are not there: nothing was changed. */
  readonly missing: readonly string[]
  readonly differing: readonly SharedRow[]
  /** Foreign keys by which rows refer to nothing there: nothing was changed. */
  readonly broken: readonly string[]
}

export interface Rows {
  /** At most so many are committed at once, and held in memory until then. */
  readonly batchRows: number
  /** But a table whose rows may not come apart is. Absent: nothing is larger than a batch. */
  readonly takesWhole?: true
  describe(plans: readonly (TablePlan | StreamPlan)[]): Promise<Catalog>
  /** The `stamp` of a catalogue that was read now. One statement, or one request. */
  stamp(): Promise<string | undefined>
  /** The number of rows in each of the tables, in one call where the end can. */
  counts(tables: readonly TenantRows[]): Promise<readonly number[]>
  drain(options: DrainOptions): Promise<{ readonly waitedMs: number }>
  /** Rows of several tables in one call, few enough to be held. Absent: they come in pages. */
  readonly readAll?: (readings: readonly Reading[]) => Promise<readonly (readonly Texts[])[]>
  /** The next page is read while one is looked at. */
  pages(reading: Reading): AsyncIterable<Page>
  write<T>(writing: Writing, work: (writer: Writer) => Promise<T>): Promise<T>
  readProgress(
    key: FlagKey & { readonly epoch: string },
  ): Promise<ReadonlyMap<string, TableProgress>>
  /** Rows that stayed behind under this epoch. */
  readQuarantined(key: FlagKey & { readonly epoch: string }): Promise<readonly StayedBehind[]>
  forgetProgress(hold: Hold): Promise<void>
  wipe(hold: Hold, work: { groups: readonly WipeGroup[]; options: WipeOptions }): Promise<number>
  /** Keys that rows of the tenant share, or lack. */
  repeatedKeys(rows: TenantRows, key: readonly string[]): Promise<readonly string[]>
  /** Those among the tables that have no rows at all. */
  emptyTables(tables: readonly CatalogTable[]): Promise<ReadonlySet<string>>
  /**
   * For each table those among its keys that rows have, whosever they are. In one call where the
   * end can.
   */
  existingKeys(asked: readonly Keys[]): Promise<readonly (readonly string[])[]>
  /**
   * For the rows of each table the references that they break. In one call where the end can.
   * `tables`: all that the tenant's rows are in.
   */
  brokenReferences(
    of: readonly TenantRows[],
    tables: readonly EndTable[],
  ): Promise<readonly (readonly BrokenReference[])[]>
  /** null: there are no rows. In one call where the end can. */
  largestIds(uses: readonly IdUse[]): Promise<readonly (bigint | null)[]>
  /** The number that each gave last, or will give first. In one call where the end can. */
  positionsOf(sequences: readonly string[]): Promise<readonly bigint[]>
  /** Returns those that had not passed their id yet. */
  advanceSequences(reached: readonly Reached[]): Promise<readonly string[]>
  /** Old id → new one. Throws where the end is no database. */
  newIds(space: IdSpace, old: readonly string[]): Promise<ReadonlyMap<string, string>>
  forgetNewIds(run: Pick<IdSpace, 'scope' | 'tenant' | 'runId'>): Promise<void>
  /** Tables that a query reads. Throws where the end is no database. */
  readRelations(query: string): Promise<readonly string[]>
  /**
   * Rows of a query of the plan, at most so many. Throws where the end is no database, and where it
   * takes longer than `withinMs`. Default: it may take any time.
   */
  ask(query: string, rowsMax: number, withinMs?: number): Promise<Answer>
  /** Those of a batch that are there and differ. Changes nothing. */
  differingShared(batch: SharedBatch): Promise<readonly SharedRow[]>
  /** Inserts and compares a batch. Throws FENCE_LOST. Repeating it is harmless. */
  settleShared(hold: Hold, batch: SharedBatch): Promise<SettledRows>
  /** Rows that a move would leave behind, or whose references a removal would break. */
  strays(of: StraysOf): Promise<readonly Strays[]>
  /** Ids as the tenant column writes them. */
  knownTenants(tenants: readonly string[], tables: readonly EndTable[]): Promise<readonly Known[]>
}

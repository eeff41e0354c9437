/**
 * The changes of a captured tenant at one end, and how those of the other end come to it: for ends
 * that are asked step by step, none of which knows of a snapshot that several requests share.
 *
 * A position is the end's own word for a moment: what it has logged since is asked for by it.
 */
import type { Catalog, CatalogTable } from '../plan/catalogs/catalog.ts'
import type { ColumnRoute } from '../plan/routing/columns.ts'
import type { TenantPath } from '../plan/routing/path.ts'
import type { FlagKey, Hold } from './flags.ts'
import type { DrainOptions } from './rows.ts'
import type { KeyList, Texts } from './tenant-rows.ts'

export interface FeedTable {
  readonly table: CatalogTable
  readonly path: TenantPath
  /** In whose order its rows are read. */
  readonly key: readonly string[]
}

/** The tables that a feed is about. */
export interface FeedOf {
  /** The scope that the end's own tables have there. */
  readonly scope: string
  readonly tables: readonly FeedTable[]
  /** All of the end, also those that are not moved. */
  readonly catalog: Pick<Catalog, 'tables'>
}

export interface Since extends FlagKey {
  /** null: from the first change that was logged. */
  readonly position: string | null
  /** Rows have changed with their parents whatever it was that changed there. */
  readonly everyChild: boolean
}

export interface ChangesAsked extends Since {
  readonly table: string
  /**
   * `before`: rows as they were before each change. `now`: the tenant's rows as they are, that have
   * changed themselves or with their parents; in the order of the table's key.
   */
  readonly kind: 'before' | 'now'
  readonly columns: readonly ColumnRoute[]
  readonly signal: AbortSignal
}

export interface ChangedRow {
  readonly texts: Texts
  /** Rows that find their tenant through it have changed with it. */
  readonly children: boolean
}

/** How far a receiving end has come. */
export interface Checkpoint {
  /** The other end's position before it was read. */
  readonly position: string | null
  /** The fingerprint of the schemas under which it came. */
  readonly fingerprint: string
  /** Rows were left out on the way there: rows that depend on what changed have to come, too. */
  readonly lacking: boolean
  /** The step number that `apply` and `writeCheckpoint` share. */
  readonly step: number
}

export type CheckpointHold = Hold & { readonly epoch: string }

/** One commit's worth of changes of one table. */
export interface Application extends CheckpointHold {
  readonly step: number
  readonly table: string
  /** The key columns whose values, by which rows are known here, stand in `remove`. */
  readonly key: readonly string[]
  readonly remove: readonly Texts[]
  /** Rows that find their tenant through these of the table's go, too. */
  readonly parents: KeyList
  readonly columns: readonly string[]
  readonly rows: readonly Texts[]
  /** Columns of which the other end knows nothing: a row that comes again has what it had. */
  readonly keep: readonly string[]
  /** All of it is undone at the end: would it have gone well? */
  readonly undone: boolean
}

export interface Applied {
  readonly removed: number
  readonly brought: number
  /** Places of rows that are missing, because other rows have their unique values. */
  readonly collided: readonly number[]
  /** Places of rows that are not there, as what they would find their tenant through is not. */
  readonly orphaned: readonly number[]
}

export interface BrokenByLeaving {
  readonly foreignKey: string
  readonly rows: number
}

export interface Feed {
  /** Whatever commits from now on is a change since then. */
  position(key: FlagKey): Promise<string>
  /** How long those that write now go on, in ms. Throws DRAIN_TIMEOUT. */
  waitForWriters(options: DrainOptions): Promise<number>
  /** Table → changes. A row that changed twice counts twice. Throws SCHEMA_CHANGED. */
  countChanges(since: Since): Promise<ReadonlyMap<string, number>>
  /** Page by page, each as the end is by then. */
  changes(asked: ChangesAsked): AsyncIterable<readonly ChangedRow[]>
  /** Forgets the log up to a position; null: all of it. Only while it is our turn. */
  forgetChanges(hold: Hold & { readonly position: string | null }): Promise<void>
  readCheckpoint(key: FlagKey & { readonly epoch: string }): Promise<Checkpoint | null>
  /** Throws FENCE_LOST, or USAGE where it is not the next step. Repeating it is harmless. */
  writeCheckpoint(hold: CheckpointHold, checkpoint: Checkpoint): Promise<void>
  /** Forgets a checkpoint of any epoch while it is our turn, and else only our own. */
  forgetCheckpoint(hold: CheckpointHold): Promise<void>
  /** Throws what `writeCheckpoint` throws. Repeating it is harmless, and answers the same. */
  apply(change: Application): Promise<Applied>
  /** Rows, whosever they are, that refer to such of the table's keys as are not there. */
  brokenByLeaving(table: string, keys: KeyList): Promise<readonly BrokenByLeaving[]>
}

/**
 * A plan in the form that its author writes: one TypeScript file with a default export.
 *
 * These are the words of the plan, and nothing is looked up or checked here: check-plan.ts holds
 * the rules, routes.ts brings a plan together with what the two databases really contain.
 */
import type { ZodType } from 'zod'
import type { EndChoice, Endpoint } from './endpoint.ts'
import type { Homes, HomesInput } from './homes/cutover-plan.ts'
import type { Invariant } from './invariant.ts'
import type { NewIds } from './new-ids.ts'
import type { SchemaChanges, SchemaInput } from './schema-plan.ts'
import type { SqlText } from './sql-text.ts'
import type { StreamPlan } from './stream.ts'
import type { OfDatabase, OneSideOptions, OptionsOf, Sharing } from './table-options.ts'
import { type ReferencedBy, type Through, type Way, waysOf } from './through.ts'
import type { Timing, TimingInput } from './timing/timing.ts'
import type { Lookups, TransformContext } from './transform-context.ts'
import type {
  AnyColumnName,
  ColumnName,
  OfDatabases,
  OnlyColumns,
  TableName,
  TargetName,
  WrittenRow,
} from './typed-table.ts'

/** null leaves the row out. Keys of the object are the target's columns. */
export type Transform<Row, Out> = (row: Row, context: TransformContext) => Out | null

/** Resolves when the tenant has no work under way that no database sees. */
type Drained = (tenantId: string, options: { readonly signal: AbortSignal }) => Promise<void>

export interface ColumnChanges {
  /** Source columns that the target does not get. */
  readonly drop?: readonly string[]
  /** Source column → target column. */
  readonly rename?: Readonly<Record<string, string>>
  /** Target column → SQL expression over the source row. */
  readonly compute?: Readonly<Record<string, SqlText>>
}

export interface TablePlan<Source = never, Target = never> extends OfDatabases<Source, Target> {
  readonly kind: 'table'
  /**
   * `source`: streams read the table. `target`: streams fill it. `shared`: its rows are those of
   * everybody. Absent: it goes across.
   */
  readonly side?: 'source' | 'target' | 'shared' | undefined
  /** Options of a shared table. */
  readonly sharing?: Sharing | undefined
  readonly name: string
  readonly tenant?: string | undefined
  readonly through?: readonly Way[] | undefined
  readonly key?: readonly string[] | undefined
  readonly to?: string | undefined
  readonly targetTenant?: string | undefined
  readonly targetThrough?: readonly Way[] | undefined
  readonly nobody?: 'stay' | undefined
  readonly columns: Required<ColumnChanges>
  readonly newIds?: Readonly<Record<string, string>> | undefined
  readonly row?: ZodType | undefined
  readonly transform?: RowTransformer | undefined
  readonly quarantine?: number | undefined
  readonly chunkRows?: number | undefined
  readonly invert?: RowTransformer | undefined
}

type RowTransformer = Transform<Record<string, unknown>, Record<string, unknown>>

/** "Every table that has this column." Tables named in the plan keep their own settings. */
export interface DiscoverTables {
  readonly kind: 'discover'
  readonly column: string
  readonly exclude: readonly string[]
  /** Also every table whose declared keys lead to planned ones, at any distance. */
  readonly follow?: boolean | undefined
}

/** Tables of other schemas stand in no database's types: `schema.table`. */
type OutsideName<Source, Target> = TableName<Source> | TableName<Target> | `${string}.${string}`

/** A table that stays behind. */
export interface ExcludedTable<Source = never, Target = never> {
  readonly table: OutsideName<Source, Target>
  /**
   * Its rows may refer to rows that move: they stay where they are, and until they are removed or
   * changed nothing that they refer to is cleaned up. Default false: such a tenant does not move.
   */
  readonly leaveReferences?: boolean | undefined
}

export type TenantSource =
  | readonly string[]
  | SqlText
  | AsyncIterable<string>
  | (() => Iterable<string> | AsyncIterable<string>)

/** The input of `definePlan`. Everything but name, ends, tenants and tables has a default. */
export interface PlanInput<Source = never, Target = never> extends TimingInput, HomesInput {
  /** Letters, digits, `-`, `_`, `.`; at most 64 characters. */
  readonly name: string
  /** Databases by name. All plans of an installation may list the same ones. */
  readonly ends?: Readonly<Record<string, Endpoint>>
  /** An end, the name of one of `ends`, or a function that returns this name for a tenant. */
  readonly source: EndChoice
  readonly target: EndChoice
  /** The feature or data model that is fenced. Default `default`. */
  readonly scope?: string
  /** The scope at the target, where both models live in one database. Default: `scope`. */
  readonly targetScope?: string
  /** A list, an SQL query of one column run at the source, or an (async) iterable. */
  readonly tenants: TenantSource
  readonly tables: readonly (TablePlan<Source, Target> | DiscoverTables | StreamPlan)[]
  /** Tables that stay behind although they touch planned ones. */
  readonly exclude?: readonly (OutsideName<Source, Target> | ExcludedTable<Source, Target>)[]
  /** Default `tenant_id`. */
  readonly tenantColumn?: AnyColumnName<Source>
  /**
   * Schemas in which functions of the application's tables (of checks, triggers, defaults) and the
   * plan's own SQL find what they name without a schema. The plan's SQL looks into the end's own
   * schema first. Default: functions of tables find nothing but what is PostgreSQL's own.
   */
  readonly searchPath?: readonly string[]
  /**
   * `offline` (default): the tenant is fenced while it is copied. `online`: it goes on writing, and
   * is fenced only for the last changes.
   */
  readonly strategy?: 'offline' | 'online'
  /** Data for transforms: looked up once for each attempt, before the tenant is fenced. */
  readonly lookups?: (at: Lookups) => Promise<Readonly<Record<string, unknown>>>
  /** Ids that become others, by a name that tables refer to. */
  readonly newIds?: Readonly<Record<string, NewIds>>
  /** Conditions that must hold besides equal rows. */
  readonly invariants?: readonly Invariant[]
  /** Changes of both schemas, as SQL files, before the first move and after the last one. */
  readonly schema?: SchemaInput
  /** Rows that are committed together at the target. Default 50,000. */
  readonly chunkRows?: number
  /** How often a move is tried while its errors may pass. Default 3. */
  readonly attempts?: number
  /** Wait before the second attempt, doubled for each further one up to 60,000. Default 1,000. */
  readonly backoffMs?: number
  /** Moves at once in one worker process. Default 2. */
  readonly concurrency?: number
  readonly fence?: {
    /** After this long without a renewal the first writer opens the fence. Default 10,000. */
    readonly leaseMs?: number
    /** How long to wait for transactions that were already writing. Default 5,000. */
    readonly drainMs?: number
    /** The `retryAfterS` that refused writers get. Default 5. */
    readonly retryAfterS?: number
    /**
     * The tenant's own work that no database sees, e.g. jobs under way: waited for at each end that
     * is fenced, for `drainMs`, before the fence is trusted. May be called again.
     */
    readonly drained?: Drained
  }
  /** Writes as the application does, for `rehome canary`: throws if refused, else its response. */
  readonly canary?: (tried: {
    readonly tenantId: string
    readonly instance: string
    readonly signal: AbortSignal
  }) => Promise<unknown>
  readonly pause?: {
    /**
     * A tenant fenced for longer gets its writes back and the attempt fails. Online it is not even
     * fenced while it is to be expected. Default 120,000, online 1,000.
     */
    readonly budgetMs?: number
    /** How often that is tried, where it is more than `attempts`. Default 5. */
    readonly attempts?: number
  }
  readonly rollback?: {
    /**
     * For how long after the cutover the new home logs the tenant's changes, so that a rollback
     * takes them along. Until then, or `rehome finalize`, the old copy stays. Default 0, online
     * 86,400,000: a day.
     */
    readonly windowMs?: number
    /**
     * How often it is tried, during that window, whether the way back is open: what was written
     * goes to the old copy, all is compared, and it is undone. Default 0: not at all.
     */
    readonly auditEveryMs?: number
  }
}

/** A plan with its defaults filled in. */
export interface Plan extends Timing, Homes {
  readonly name: string
  readonly ends?: Readonly<Record<string, Endpoint>> | undefined
  readonly source: Endpoint
  readonly target: Endpoint
  readonly scope: string
  readonly targetScope: string
  readonly tenants: TenantSource
  readonly tables: readonly (TablePlan | DiscoverTables | StreamPlan)[]
  readonly exclude: readonly ExcludedTable[]
  readonly tenantColumn: string
  readonly searchPath?: readonly string[] | undefined
  readonly strategy: 'offline' | 'online'
  readonly lookups?: PlanInput['lookups']
  readonly newIds: Readonly<Record<string, NewIds>>
  readonly invariants: readonly Invariant[]
  readonly schema?: SchemaChanges | undefined
  readonly chunkRows: number
  readonly attempts: number
  readonly backoffMs: number
  readonly concurrency: number
  readonly fence: { leaseMs: number; drainMs: number; retryAfterS: number; drained?: Drained }
  readonly canary?: PlanInput['canary']
  readonly pause: { budgetMs: number; attempts: number }
  readonly rollback: { windowMs: number; auditEveryMs: number }
}

/**
 * The type check of a plan file. Rules are applied when the plan is opened. With `DB` interfaces
 * of both databases, such as kysely-codegen writes, names of tables and columns and the rows of
 * transforms are checked, too: `definePlan<OldDb, NewDb>({ … })`.
 */
export function definePlan<Source = never, Target = Source>(
  plan: PlanInput<Source, Target>,
): PlanInput
// The types of the databases have done what they are for.
export function definePlan(plan: unknown): unknown {
  return plan
}

/**
 * A table of the plan. `Row` comes from the types of the plan's databases, from the zod schema, or
 * is given: `table<TaskRow>('tasks')`.
 */
export function table<
  Row extends object = OfDatabase,
  Out extends WrittenRow<Target, TargetName<Name, To>> = never,
  Source = never,
  Target = never,
  const Name extends TableName<Source> = TableName<Source>,
  const To extends TableName<Target> = never,
  const Drop extends ColumnName<Source, Name> = never,
  const Rename extends object = Record<never, never>,
  const Compute extends ColumnName<Target, TargetName<Name, To>> = never,
  Back extends WrittenRow<Source, Name> = never,
>(
  name: Name,
  options?: OptionsOf<Row, Out, Back, Source, Target, Name, To, Drop, Rename, Compute> &
    OnlyColumns<Out, Target, TargetName<Name, To>>,
): TablePlan<Source, Target>
export function table(name: string, options?: object): unknown {
  return tableOf(name, options)
}

/** The options as they are without types of the databases. */
interface PlainOptions extends Omit<TablePlan, 'columns' | 'through' | 'targetThrough'> {
  readonly columns: ColumnChanges
  readonly through: Through
  readonly targetThrough: Through
  readonly referencedBy: ReferencedBy
}

function tableOf(name: string, options: Partial<PlainOptions> = {}): TablePlan {
  const { through, targetThrough, referencedBy, columns, ...rest } = options
  return {
    ...rest,
    kind: 'table',
    name,
    through: waysOf(through, referencedBy),
    targetThrough: waysOf(targetThrough),
    columns: { drop: [], rename: {}, compute: {}, ...columns },
  }
}

/** A table of the source that is read by streams only. */
export function sourceTable<
  Source = never,
  Target = never,
  const Name extends TableName<Source> = TableName<Source>,
>(name: Name, options?: OneSideOptions<Source, Name>): TablePlan<Source, Target>
export function sourceTable(name: string, options?: object): unknown {
  return tableOf(name, { ...options, side: 'source' })
}

/** A table of the target that streams fill, where its tenant is not in `tenantColumn`. */
export function targetTable<
  Source = never,
  Target = never,
  const Name extends TableName<Target> = TableName<Target>,
>(name: Name, options?: OneSideOptions<Target, Name>): TablePlan<Source, Target>
export function targetTable(name: string, options?: object): unknown {
  return tableOf(name, { ...options, side: 'target' })
}

export function discover(
  options: { column?: string; exclude?: readonly string[]; follow?: boolean } = {},
): DiscoverTables {
  return { kind: 'discover', column: 'tenant_id', exclude: [], ...options }
}

/**
 * A database's tables, as far as moving a tenant needs to know them. Types only; the
 * endpoint reads it, routes.ts brings it together with the plan.
 */
import type { Matching, TenantPath } from '../routing/path.ts'
import type { Sharing } from '../table-options.ts'
import type { Demand } from './demand.ts'
import type { TypeShape } from './type-shape.ts'

export interface CatalogColumn {
  readonly name: string
  /** `pg_type.typname` of the type, for a domain of the type below it; arrays begin with `_`. */
  readonly typeName: string
  /** The type with its schema, quoted, for casts to it. No length, no precision. */
  readonly typeSql: string
  /** The type as a person writes it, e.g. `numeric(10,2)`. */
  readonly typeText: string
  /** Texts that are equal are the same text, as under every ordinary collation. */
  readonly deterministic: boolean
  /** The one under which they are not, as SQL writes it. */
  readonly collation?: string | null
  readonly notNull: boolean
  readonly hasDefault: boolean
  readonly generated: boolean
  readonly identity: boolean
  /** Computed when it is read, so that triggers do not see it. */
  readonly virtual: boolean
  /** How keys of the type are compared. null: it has no order. Absent: as in `pg_catalog`. */
  readonly operators?: KeyOperators | null
  /** The parts of the type. Absent where the end does not know them. */
  readonly shape?: TypeShape | undefined
  /** Values are written to JSON by a cast of their type, and not read back from that. */
  readonly castsToJson?: boolean
  /** `schema.sequence` whose numbers are this column's ids, as they are. */
  readonly sequence: string | null
  /** One whose numbers its values are made of, such as `'INV-' || nextval(…)`. */
  readonly composes?: string | null | undefined
  /** The step of that sequence; less than 0: it counts down. */
  readonly step?: number | null | undefined
}

/** Operators of the type's default btree class, as SQL writes them with their schema. */
export interface KeyOperators {
  readonly equal: string
  readonly greater: string
}

export interface CatalogForeignKey extends Matching {
  readonly name: string
  /** Only the plan declares it: the database does not keep it. */
  readonly undeclared?: boolean | undefined
  /** Rows of `parent` refer to the row by `parentColumns`, so that it may have several parents. */
  readonly inverse?: boolean | undefined
  /** SQL over `r`, a row that refers: only for these rows. */
  readonly when?: string | undefined
  /** Its last columns are periods: the parents' together contain the child's. */
  readonly temporal?: boolean
  readonly columns: readonly string[]
  readonly parent: string
  readonly parentSchema: string
  /** May be checked as late as at commit, and locks its parent no earlier. */
  readonly deferrable: boolean
  readonly parentColumns: readonly string[]
}

/** Effect on a row when the one that it refers to is removed, or gets other values. */
export type KeyAction = 'no action' | 'restrict' | 'cascade' | 'set null' | 'set default'

/** A key that one partition declares, or that refers to one partition. */
export interface CatalogPartitionKey extends CatalogForeignKey {
  /** The table itself, or the partition of it that has the key. */
  readonly relation: string
  /** `parent`, or the partition of it that the key refers to. */
  readonly parentRelation: string
}

/** A foreign key, of any relation of the database, to a table or to a partition of it. */
export interface CatalogReference extends CatalogPartitionKey {
  readonly schema: string
  /** The whole table that `relation` is, or belongs to. */
  readonly table: string
  readonly onDelete: KeyAction
  readonly onUpdate: KeyAction
  /** Our role may read the rows that refer. */
  readonly readable: boolean
}

/** A trigger or a rule of the application that is switched on. */
export interface CatalogReaction {
  readonly kind: 'trigger' | 'rule'
  /** The table, or the partition that has it. */
  readonly relation: string
  readonly name: string
  readonly events: readonly ('INSERT' | 'UPDATE' | 'DELETE')[]
  /** In sessions of which `session_replication_role` it fires. */
  readonly fires: 'origin' | 'replica' | 'always'
}

export interface CatalogUnique {
  readonly name: string
  readonly columns: readonly string[]
  readonly primary: boolean
  /** Absent where the end does not know. */
  readonly deferrable?: boolean
}

/** A guard trigger as it stands: what it runs, and whether replication roles run it too. */
export interface CatalogTrigger {
  readonly relation: string
  readonly name: string
  readonly always: boolean
  readonly body: string
  readonly ours: boolean
  /** It is taken away once no run needs it. */
  readonly passing: boolean
}

export interface CatalogTable {
  readonly name: string
  readonly columns: readonly CatalogColumn[]
  readonly uniques: readonly CatalogUnique[]
  /** Absent where the end does not know. */
  readonly demands?: readonly Demand[]
  /** Those to tables of the same schema. */
  readonly foreignKeys: readonly CatalogForeignKey[]
  /** Those to tables of other schemas, which no plan can name. */
  readonly outerKeys: readonly CatalogForeignKey[]
  /** `schema.table` of tables in other schemas that refer to this one. */
  readonly outerChildren: readonly string[]
  /** Keys that are declared by one partition, or refer to one. */
  readonly partitionKeys: readonly CatalogPartitionKey[]
  /** Every key of the database that refers to this table or to a partition of it. */
  readonly references: readonly CatalogReference[]
  readonly triggers: readonly CatalogTrigger[]
  readonly reactions: readonly CatalogReaction[]
  /** Every partition below it, at any depth; its own name is not among them. */
  readonly partitions: readonly string[]
  readonly partitionColumns: readonly string[]
  /** `schema.table` of relations that share its rows where no guard of ours would see writes. */
  readonly unguardable: readonly string[]
  /** Policies exist and our role does not stand above them. */
  readonly rowSecurity: boolean
  /** Privileges of our role: select, insert, delete. */
  readonly privileges: readonly string[]
  /** How a row's tenant is known, where the end itself declares it. */
  readonly path?: TenantPath
  /** The end itself declares that its rows are everybody's, and what plans may do to them. */
  readonly shared?: Pick<Sharing, 'missing' | 'differing'> | undefined
  /**
   * Places where rows get numbers from a sequence that the catalogue does not show, such as a
   * function.
   */
  readonly hiddenNumbers?: readonly string[]
  /** A logical replication worker writes here; it fires no statement triggers. */
  readonly subscribed: boolean
  /**
   * Changes with every change of it, its partitions, its triggers or their functions, even if that
   * is taken back. Absent: the end does not tell.
   */
  readonly stamp?: string
}

export interface Catalog {
  /** Which database of which cluster it is, by whatever name it was reached. */
  readonly database: string
  readonly schema: string
  /** E.g. 150018. */
  readonly serverVersion: number
  readonly encoding: string
  readonly tables: ReadonlyMap<string, CatalogTable>
  /** Changes with every change of the schema or its guards. Absent: the end has none. */
  readonly stamp?: string | undefined
  /** Changes with the functions of the fence. */
  readonly fenceStamp?: string
  /** Our role may turn foreign keys and other triggers off for its own transaction. */
  readonly mayReplicate: boolean
  /** Our role may create temporary tables. Absent: the end does not tell. */
  readonly mayKeepTemporary?: boolean
  /** Type of each computed column: `table` + NUL + `column` → typname. */
  readonly computed: ReadonlyMap<string, string>
  /** Columns of each stream's query, by the stream's name. */
  readonly queries?: ReadonlyMap<string, readonly CatalogColumn[]>
  /** Digest function → its result on fixed values, to see that both ends agree. */
  readonly digestProbes: Readonly<Partial<Record<string, string>>>
  /** Session settings that did not arrive, so that texts of values may differ between the ends. */
  readonly foreignSettings: readonly string[]
  /** Digits after the point of `money`, as others write it there. Absent: it is not known. */
  readonly moneyDigits?: number | undefined
  /** Privileges of other roles there that a move would rather not have. Absent: unknown. */
  readonly exposure?: Exposure
  /** The part that keeps writes out, where that is not this database by guards of ours. */
  readonly enforcement?: 'database' | 'application'
  /** An end that is asked logs changes and tells them. */
  readonly feed?: boolean
  /** An end that is asked finds rows that the plan's paths do not reach. */
  readonly tellsStrays?: boolean
  /** The bytes of a request that an end which is asked takes. Absent: it does not tell. */
  readonly maxBytes?: number | undefined
  /** Columns by which such an end finds rows, and with which no index of the table begins. */
  readonly unindexed?: readonly Unindexed[]
  /** Tables that the end knows to be without protection. */
  readonly unguarded?: readonly string[]
}

export interface Unindexed {
  readonly table: string
  readonly columns: readonly string[]
}

export interface Exposure {
  /** Roles other than owner and us that may create in the schema, as SQL. */
  readonly creators: readonly string[]
  /** Everybody who may connect may take the locks that guards take. */
  readonly anybodyLocks: boolean
}

export const computedKey = (table: string, column: string) => `${table}\u0000${column}`

/** A problem: its place, its description, and what to do about it; `check` prints all of them. */
export interface Finding {
  readonly where: string
  readonly message: string
}

/** Tables whose rows are everybody's: their options in a plan. */
import type { ColumnChanges, TablePlan } from './plan.ts'
import type { Sharing } from './table-options.ts'
import { inverseWays, type ReferencedBy } from './through.ts'
import type { ColumnName, TableName } from './typed-table.ts'

export interface SharedOptions<Source = never, Target = never, Name = string>
  extends Partial<Omit<Sharing, 'compare' | 'newIds'>> {
  /** The columns of planned or shared tables that refer to the rows. */
  readonly referencedBy: ReferencedBy<Source>
  readonly compare?: readonly ColumnName<Source, Name>[]
  /**
   * The target may know the same row under another id: unique columns that identify the row. A
   * row that is not there keeps its id if that is free, else it gets one by the column's default.
   */
  readonly newIds?: { readonly by: readonly ColumnName<Source, Name>[] }
  /** The target's table. Default: the same name. */
  readonly to?: TableName<Target>
  readonly columns?: Pick<ColumnChanges, 'drop' | 'rename'>
}

/**
 * A table with rows that several tenants need: they are brought to the target before a tenant that
 * refers to them, and are neither fenced nor removed.
 */
export function shared<
  Source = never,
  Target = never,
  const Name extends TableName<Source> = TableName<Source>,
>(name: Name, options: SharedOptions<Source, Target, Name>): TablePlan<Source, Target>
export function shared(name: string, options: SharedOptions): unknown {
  const { referencedBy, columns, to, compare, missing, differing, newIds, leaveReferences } =
    options
  return {
    kind: 'table',
    side: 'shared',
    name,
    to,
    through: inverseWays(referencedBy),
    columns: { drop: [], rename: {}, compute: {}, ...columns },
    sharing: {
      missing: missing ?? 'insert',
      differing: differing ?? 'refuse',
      compare,
      ...(newIds && { newIds }),
      ...(leaveReferences && { leaveReferences }),
    },
  } satisfies TablePlan
}

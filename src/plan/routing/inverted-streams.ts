/**
 * Streams that have an inverse: each row of one table becomes one of another, or none, and back.
 * They are tables with a transform by another name, and go on as such, so that all that follows
 * changes of tables follows theirs. Pure.
 */
import { type DiscoverTables, type Plan, type TablePlan, table } from '../plan.ts'
import type { StreamPlan } from '../stream.ts'

type Entry = TablePlan | DiscoverTables | StreamPlan

/** Why a stream's `invert` cannot be meant; null: it can. */
export function contradictionOf({ name, from, by, to, invert }: StreamPlan): string | null {
  if (!invert) return null
  const one = typeof from === 'string' && by.length === 0 && to.length === 1
  const what = 'which is for a stream from one table into one'
  return one ? null : `plan field \`tables\`: stream "${name}" has \`invert\`, ${what}`
}

export function withoutInvertedStreams({
  tables,
  tenantColumn,
}: Pick<Plan, 'tables' | 'tenantColumn'>): Entry[] {
  const inverted = tables.filter((entry) => entry.kind === 'stream').filter(({ invert }) => invert)
  const replaced = inverted.map((entry) => tableOf(entry, tables, tenantColumn))
  const isReplaced = (entry: Entry) =>
    inverted.some((stream) => stream === entry) ||
    (entry.kind === 'table' &&
      replaced.some(({ name, to }) =>
        entry.side === 'source'
          ? entry.name === name
          : entry.side === 'target' && entry.name === to,
      ))
  return [...tables.filter((entry) => !isReplaced(entry)), ...replaced]
}

function tableOf(stream: StreamPlan, tables: readonly Entry[], tenantColumn: string): TablePlan {
  const { from, to } = stream
  const [target = ''] = to
  const at = (side: 'source' | 'target', name: unknown) =>
    tables
      .filter((entry) => entry.kind === 'table')
      .find((entry) => entry.side === side && entry.name === name)
  const [here, there] = [at('source', from), at('target', target)]
  return {
    ...tableOfStream(stream),
    tenant: here?.tenant,
    through: here?.through,
    targetThrough: there?.through,
    targetTenant: there?.through ? undefined : (there?.tenant ?? tenantColumn),
  }
}

/** The stream as a table, so that its rows are treated as a table's. */
export function tableOfStream(stream: StreamPlan): TablePlan {
  const { from, transform, to, row, key, newIds, quarantine, invert } = stream
  const [target = ''] = to
  return {
    ...table(String(from), { to: target }),
    key,
    row,
    newIds,
    quarantine: quarantine || undefined,
    invert,
    // What is not one row is refused as what a table's transform must not return.
    transform: (row, context) => {
      return Object(transform(row as never, context))[target] ?? null
    },
  }
}

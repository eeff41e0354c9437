/**
 * Source rows, each with the target rows that the plan makes of it. Reads only: nothing is copied,
 * and no new id is made.
 */
import { contextOf, renumberOf } from '../../attempt/context.ts'
import { tenantRows } from '../../attempt/planned-rows.ts'
import type { Shard } from '../../attempt/shard.ts'
import { knownIdsOf } from '../../ends/postgres/copy/new-ids.ts'
import { scoped } from '../../ends/postgres/postgres-end.ts'
import type { Rows } from '../../ends/rows.ts'
import type { KeyList, Texts } from '../../ends/tenant-rows.ts'
import { messageOf } from '../../errors.ts'
import { asItIs, type ColumnRoute } from '../../plan/routing/columns.ts'
import type { Route } from '../../plan/routing/route.ts'
import { mapperOf } from '../../transform/text-transform.ts'

export type Inspected = Pick<
  Shard,
  'plan' | 'run' | 'tenant' | 'ends' | 'survey' | 'lookups' | 'signal'
>

/** A target row that the plan makes, or the reason why it makes none. */
export interface MadeRow {
  /** The source row by the columns of `sourceColumns`; of a group the first one. */
  readonly source: Texts
  readonly sourceRows: number
  /** Columns of the target, and their values before the target has read them. */
  readonly columns: readonly string[]
  readonly expected: Texts | null
  /** Why there is none. */
  readonly reason: string | null
}

/** The columns that are shown of a source row. Of a stream those that it is given. */
export function sourceColumns(route: Route): readonly ColumnRoute[] {
  return route.stream ? route.columns : route.source.columns.map(asItIs)
}

/** `keys`: only source rows that have them. */
export async function* madeRows(
  of: Inspected,
  route: Route,
  keys?: KeyList,
): AsyncGenerator<MadeRow, void, undefined> {
  const width = route.columns.length
  const shown = route.stream ? [] : sourceColumns(route)
  const renumber = renumberOf({ ...of, ends: withKnownIds(of) }, route)
  const maker = createMaker(of, route)
  const pages = of.ends.source.rows.pages({
    ...tenantRows({ ...of, ...(keys && { keys: () => keys }) }, route, 'source'),
    // Groups come together only in their order.
    key: route.stream?.by.length ? route.sourceKey : [],
    columns: [...route.columns, ...shown],
    after: { rowsRead: 0, cursor: null },
    signal: of.signal,
  })
  for await (const { rows } of pages) {
    const asRead = rows.map((row) => row.slice(0, width))
    const fields = await renumber(asRead)
    for (const [i, row] of rows.entries()) {
      const source = route.stream ? (asRead[i] ?? []) : row.slice(width)
      yield* maker.add({ fields: fields[i] ?? [], asRead: asRead[i] ?? [], source })
    }
  }
  yield* maker.end()
}

/** Ids that a copy has not made yet are NULL. */
function withKnownIds({ ends }: Inspected): Inspected['ends'] {
  const { target } = ends
  const { sql } = target
  if (!sql) return ends
  const newIds: Rows['newIds'] = (space, old) => knownIdsOf(sql, scoped(sql, space), old)
  return { ...ends, target: { ...target, rows: { ...target.rows, newIds } } }
}

interface GivenRow {
  readonly fields: Texts
  /** The row before it got new ids. */
  readonly asRead: Texts
  readonly source: Texts
}

function createMaker(of: Inspected, route: Route) {
  const create = () => mapperOf(route, contextOf(of), { plainRows: true })
  let mapper = create()
  let group: GivenRow[] = []
  const madeOf = (rows: readonly GivenRow[], made: readonly Texts[]): MadeRow[] => {
    const [first] = rows
    if (!first) return []
    const base = {
      source: first.source,
      sourceRows: rows.length,
      columns: mapper.columns(),
      reason: null,
    }
    if (made.length > 0) return made.map((expected) => ({ ...base, expected }))
    const [quarantined] = mapper.takeQuarantined()
    const reason = quarantined
      ? `stays behind in quarantine: ${quarantined.message}`
      : 'the plan makes no row of it'
    return [{ ...base, expected: null, reason }]
  }
  const failed = (rows: readonly GivenRow[], error: unknown): MadeRow[] => {
    mapper = create()
    return madeOf(rows, []).map((row) => ({ ...row, reason: messageOf(error) }))
  }
  return {
    add(row: GivenRow): MadeRow[] {
      const before = mapper.held()
      try {
        const made = mapper.map([row.fields], [row.asRead])
        const held = mapper.held()
        if (held === 0) return madeOf([row], made)
        const ended = before > 0 && held === 1 ? madeOf(group, made) : []
        group = ended.length > 0 ? [row] : [...group, row]
        return ended
      } catch (error) {
        const rows = before > 0 ? group : [row]
        group = []
        return failed(rows, error)
      }
    },
    end(): MadeRow[] {
      const rows = group
      group = []
      try {
        return madeOf(rows, mapper.end())
      } catch (error) {
        return failed(rows, error)
      }
    },
  }
}

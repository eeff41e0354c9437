/** Pairs expected rows with those of the target, column by column. Pure. */
import { recordText } from '../../ends/read-digest.ts'
import type { Texts } from '../../ends/tenant-rows.ts'
import type { Route } from '../../plan/routing/route.ts'
import { type Cell, createMask, cutAlike, isSecretColumn } from './cells.ts'
import { type MadeRow, sourceColumns } from './made-rows.ts'

export interface InspectedColumn {
  /** The target's column; the source's where the target has none for it. */
  readonly column: string
  /** The source's column that has its value or its name. */
  readonly from: string | null
  readonly source?: Cell
  readonly expected?: Cell
  readonly target?: Cell
  readonly differs: boolean
}

export interface InspectedRow {
  /** A record, written as PostgreSQL does. */
  readonly key: string
  /**
   * `missing`: not at the target. `extra`: the plan makes no such row of the tenant's. `left out`:
   * a source row of which the plan makes none.
   */
  readonly is: 'equal' | 'different' | 'missing' | 'extra' | 'left out'
  readonly columns: readonly InspectedColumn[]
  readonly note: string | null
}

export interface Paired {
  readonly route: Route
  readonly made: readonly MadeRow[]
  readonly found: ReadonlyMap<string, Texts>
  readonly keyOf: (row: MadeRow) => Texts | null
}

export function pairRows(
  { route, made, found, keyOf }: Paired,
  { reveal }: { readonly reveal: boolean },
): InspectedRow[] {
  const shown = shownColumn(reveal)
  const expectedKeys = new Set<string>()
  const rows = made.map((row) => {
    const key = recordText(keyOf(row) ?? row.source)
    expectedKeys.add(key)
    return rowOf(route, { key, row, target: found.get(key) }, shown)
  })
  const extra = [...found].filter(([key]) => !expectedKeys.has(key))
  return [...rows, ...extra.map(([key, target]) => rowOf(route, { key, target }, shown))]
}

type Shown = (column: InspectedColumn) => InspectedColumn

interface Pair {
  readonly key: string
  readonly row?: MadeRow
  readonly target?: Texts | undefined
}

function rowOf(route: Route, { key, row, target }: Pair, shown: Shown): InspectedRow {
  const columns = columnsOf(route, row, target)
  const differs = columns.some((column) => column.differs)
  const group = row && row.sourceRows > 1 ? `made of ${row.sourceRows} source rows` : null
  return {
    key,
    is: verdictOf({ isExpected: Boolean(row?.expected), isSource: Boolean(row), target, differs }),
    columns: columns.map(shown),
    note: row?.reason ?? group,
  }
}

function verdictOf(of: {
  isExpected: boolean
  isSource: boolean
  target: Texts | undefined
  differs: boolean
}): InspectedRow['is'] {
  if (!of.isExpected) return of.target || !of.isSource ? 'extra' : 'left out'
  if (!of.target) return 'missing'
  return of.differs ? 'different' : 'equal'
}

function columnsOf(
  route: Route,
  row: MadeRow | undefined,
  target: Texts | undefined,
): InspectedColumn[] {
  const sources = sourceColumns(route)
  const at = (name: string) => (row?.columns ?? []).indexOf(name)
  const sourceOf = (name: string) => {
    const { from = null } = route.columns.find((column) => column.name === name) ?? {}
    return sources.findIndex((source) => source.from === (from ?? name) || source.name === name)
  }
  const own = route.target.columns.map(({ name }, i): InspectedColumn => {
    const [place, from] = [at(name), sourceOf(name)]
    const expected = row?.expected && place >= 0 ? (row.expected[place] ?? null) : undefined
    const actual = target ? (target[i] ?? null) : undefined
    return {
      column: name,
      from: sources[from]?.name ?? null,
      source: row && from >= 0 ? (row.source[from] ?? null) : undefined,
      expected,
      target: actual,
      differs: expected !== undefined && actual !== undefined && expected !== actual,
    }
  })
  const used = new Set(own.map(({ from }) => from))
  const dropped = sources.flatMap(({ name }, i): InspectedColumn[] => {
    if (!row || used.has(name)) return []
    return [{ column: name, from: name, source: row.source[i] ?? null, differs: false }]
  })
  return [...own, ...dropped]
}

function shownColumn(reveal: boolean): Shown {
  const mask = createMask()
  return (column) => {
    const { source, expected, target } = column
    const secret = !reveal && [column.column, column.from ?? ''].some(isSecretColumn)
    const hidden = (cell: Cell) => (cell ? mask(cell) : cell)
    const cells = secret
      ? { source: hidden(source), expected: hidden(expected), target: hidden(target) }
      : cutAlike({ source, expected, target })
    return { ...column, ...cells }
  }
}

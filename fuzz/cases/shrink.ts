/**
 * Makes a failing case smaller as long as it fails in the same way: whole groups first, then halves
 * of them, down to single entries; then simpler settings; and again, until nothing more can go.
 *
 * A case that has become meaningless, such as a row without its parent, does not run, so it does
 * not fail in the same way, and the entry stays.
 */
import type { Case, Column, Referrer, Step, Table, Write } from './case.ts'

export interface Shrinking {
  /** Whether a smaller case still fails in the same way. */
  readonly fails: (smaller: Case) => Promise<boolean>
  /** When to give up, by `performance.now()`. */
  readonly untilMs: number
  /** How many smaller cases are tried. Default: as many as there is time for. */
  readonly triesMax?: number | undefined
}

type Change = (kase: Case) => Case

export async function shrink(kase: Case, shrinking: Shrinking): Promise<Case> {
  let current = kase
  let tries = 0
  const isOver = () =>
    performance.now() > shrinking.untilMs || tries >= (shrinking.triesMax ?? Infinity)
  const attempt = async (changes: readonly Change[]): Promise<boolean> => {
    const smaller = changes.reduce((so, change) => change(so), current)
    if (textOf(smaller) === textOf(current) || isOver()) return false
    tries += 1
    if (!(await shrinking.fails(smaller))) return false
    current = smaller
    return true
  }
  const remove = async (changes: readonly Change[]): Promise<void> => {
    if (changes.length === 0 || (await attempt(changes)) || changes.length === 1) return
    const half = changes.length >> 1
    await remove(changes.slice(0, half))
    await remove(changes.slice(half))
  }
  for (let before = ''; before !== textOf(current) && !isOver(); ) {
    before = textOf(current)
    for (const group of groups) await remove(group(current))
    for (const change of simpler) await attempt([change])
  }
  return current
}

function textOf(kase: Case): string {
  return JSON.stringify(kase)
}

const groups: readonly ((kase: Case) => readonly Change[])[] = [
  ({ probes }) => probes.map((probe) => (kase) => without(kase, 'probes', probe)),
  ({ reactions }) => reactions.map((one) => (kase) => without(kase, 'reactions', one)),
  ({ story }) => story.steps.map((_, i) => withoutStep(story.steps.length - 1 - i)),
  ({ story }) =>
    story.steps.flatMap((step, i) =>
      step.writes.map((_, j) => withoutWrite(i, step.writes.length - 1 - j)),
    ),
  ({ tables }) => tables.toReversed().map((table) => (kase) => withoutTable(kase, table.name)),
  ({ rows }) => rows.filter(({ owner }) => owner !== 'a').map(({ mark }) => withoutRow(mark)),
  ({ rows }) => rows.toReversed().map(({ mark }) => withoutRow(mark)),
  ({ constraints }) => constraints.map((one) => (kase) => without(kase, 'constraints', one)),
  ({ tables }) => tables.flatMap((table) => columnsToRemove(table)),
  ({ positions }) => positions.map((one) => (kase) => without(kase, 'positions', one)),
  ({ prelude }) => prelude.toReversed().map((one) => (kase) => without(kase, 'prelude', one)),
]

type Lists = 'probes' | 'reactions' | 'constraints' | 'positions' | 'prelude'

/** Finds entries by name or mark, as they may have been changed meanwhile. */
function without(
  kase: Case,
  list: Lists,
  { ...one }: { readonly name?: string; readonly mark?: string },
): Case {
  const entries: readonly { readonly name?: string; readonly mark?: string }[] = kase[list]
  return { ...kase, [list]: entries.filter((it) => it.name !== one.name || it.mark !== one.mark) }
}

const withoutStep =
  (at: number): Change =>
  (kase) =>
    withSteps(kase, (steps) => steps.filter((_, i) => i !== at))

const withoutWrite =
  (at: number, number: number): Change =>
  (kase) =>
    withSteps(kase, (steps) =>
      steps.map((step, i) =>
        i === at ? { ...step, writes: step.writes.filter((_, j) => j !== number) } : step,
      ),
    )

function withSteps(kase: Case, change: (steps: readonly Step[]) => readonly Step[]): Case {
  return { ...kase, story: { ...kase.story, steps: change(kase.story.steps) } }
}

const withoutRow =
  (mark: string): Change =>
  (kase) => ({ ...kase, rows: kase.rows.filter((row) => row.mark !== mark) })

function withoutTable(kase: Case, name: string): Case {
  const isOf = (write: Write) => (write.kind === 'insert' ? write.row.table : write.table) === name
  const smaller = {
    ...kase,
    tables: kase.tables
      .filter((table) => table.name !== name)
      .map(({ referredBy, ...table }) => ({
        ...table,
        ways: table.ways.filter(({ parent }) => parent !== name),
        referredBy: referredBy.filter(({ table: by }) => by !== name),
      })),
    rows: kase.rows.filter(({ table }) => table !== name),
    constraints: kase.constraints.filter(({ table, parent }) => table !== name && parent !== name),
    reactions: kase.reactions.filter(({ of }) => of !== name),
    positions: kase.positions.filter(({ of }) => of !== name),
    probes: kase.probes.filter(({ table }) => table !== name),
  }
  return withWrites(smaller, (write) => !isOf(write))
}

function withWrites(kase: Case, keeps: (write: Write) => boolean): Case {
  return withSteps(kase, (steps) =>
    steps.map((step) => ({
      ...step,
      writes: step.writes
        .map(({ writes, ...one }) => ({ ...one, writes: writes.filter(keeps) }))
        .filter(({ writes }) => writes.length > 0),
    })),
  )
}

function columnsToRemove(table: Table): Change[] {
  const kind = table.ways.some((way) => way.kind !== null) ? ['kind'] : []
  const needed = new Set([...table.key, table.tenant, 'mark', ...kind])
  return table.columns
    .filter(({ name }) => !needed.has(name))
    .map(
      ({ name }) =>
        (kase: Case) =>
          withoutColumn(kase, table.name, name),
    )
}

function withoutColumn(kase: Case, table: string, column: string): Case {
  const rid = <T>(values: Readonly<Record<string, T>>): Record<string, T> =>
    Object.fromEntries(Object.entries(values).filter(([name]) => name !== column))
  const ridRow = <R extends { table: string; values: Readonly<Record<string, string>> }>(row: R) =>
    row.table === table ? { ...row, values: rid(row.values) } : row
  const ridWrite = (write: Write): Write => {
    if (write.kind === 'insert') return { ...write, row: ridRow(write.row) }
    if (write.kind === 'copy') return { ...write, rows: write.rows.map(ridRow) }
    const mine = 'set' in write && write.table === table
    return mine ? { ...write, set: rid(write.set) } : write
  }
  const smaller = {
    ...kase,
    tables: kase.tables.map((one) =>
      withoutReferrer(
        one.name === table
          ? withoutWays(
              withColumns(one, (c) => c.name !== column),
              column,
            )
          : one,
        { table, column },
      ),
    ),
    rows: kase.rows.map(ridRow),
    probes: kase.probes.map(ridRow),
    constraints: kase.constraints.filter(
      (one) => one.table !== table || !one.columns.includes(column),
    ),
  }
  const ridAll = withSteps(smaller, (steps) =>
    steps.map((step) => ({
      ...step,
      writes: step.writes.map(({ writes, ...one }) => ({ ...one, writes: writes.map(ridWrite) })),
    })),
  )
  return withWrites(
    ridAll,
    (write) =>
      !write.kind.startsWith('update') || !('set' in write) || Object.keys(write.set).length > 0,
  )
}

function withoutReferrer({ referredBy, ...one }: Table, { table, column }: Referrer): Table {
  const others = referredBy.filter((by) => by.table !== table || by.column !== column)
  return { ...one, referredBy: others }
}

function withoutWays({ ways, ...table }: Table, column: string): Table {
  return { ...table, ways: ways.filter(({ columns }) => !columns.includes(column)) }
}

function withColumns(table: Table, keeps: (column: Column) => boolean): Table {
  return { ...table, columns: table.columns.filter(keeps) }
}

const story =
  (change: Partial<Case['story']>): Change =>
  (kase) => ({ ...kase, story: { ...kase.story, ...change } })

const eachTable =
  (change: Partial<Table>): Change =>
  (kase) => ({ ...kase, tables: kase.tables.map((table) => ({ ...table, ...change })) })

/** Each of them changes nothing the second time. */
const simpler: readonly Change[] = [
  story({ windowMs: 0 }),
  eachTable({ partitioned: null }),
  (kase) => ({
    ...kase,
    tables: kase.tables.map((table) => ({
      ...table,
      columns: table.columns.map((column) => ({ ...column, targetType: null })),
    })),
  }),
  (kase) => ({
    ...kase,
    tables: kase.tables.map((table) => ({
      ...table,
      columns: table.columns.map((column) => ({ ...column, becomes: null })),
    })),
  }),
  story({ over: [] }),
  (kase) => withSteps(kase, (steps) => steps.map((step) => ({ ...step, stopAt: null }))),
  story({ role: 'superuser' }),
  story({ strategy: 'offline' }),
  eachTable({ turned: false }),
]
